"""Azure Video Translation: the adapter that calls it, and the wire format that adapter and dialect share."""

"""Views of the native API, by what they are about."""

"""What accounts tells the apps above it, inside the same transaction."""

from django.dispatch import Signal

# Sent with organization= and actor= when an organization was made; plans answers with a subscription and wallets.
organization_created = Signal()

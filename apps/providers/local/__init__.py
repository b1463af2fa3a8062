"""The built-in engine as a provider."""

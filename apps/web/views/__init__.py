"""Views of the customer portal: thin, they call selectors and services and choose a template."""

"""Shapes of what the API takes and gives: msgspec structs that both write the JSON and describe it in OpenAPI."""

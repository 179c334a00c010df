"""What has rows besides the catalogue: a module for each class of the provider, and specs; found by their names."""

"""What a wait costs, ours and others', measured side by side: `make bench`."""

"""In what order do the pieces run? One file a command, each a plain function."""

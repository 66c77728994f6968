"""The watch: what is in force, open and due; who must be told; who has answered."""

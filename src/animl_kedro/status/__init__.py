"""What the catalog holds, how fresh it is, and what to run next; told without loading any of it."""

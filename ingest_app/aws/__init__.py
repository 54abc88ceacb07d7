"""AWS: the one way to make a client, the delivery stream, and the table of the visitor key."""

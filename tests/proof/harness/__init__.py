"""What every proof stands on: a function process, the local AWS, and the proxy between them."""

"""What IAM would say to a function's calls: the roles of template.yaml, evaluated as AWS documents it, over calls that were recorded."""

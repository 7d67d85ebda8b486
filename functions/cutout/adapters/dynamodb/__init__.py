"""The jobs table in DynamoDB."""

"""The API's requests and answers: models that validate, and from which `/openapi.json` is generated."""

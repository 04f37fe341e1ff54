"""The API's requests and answers. These models validate, and `/openapi.json` is made from them."""

"""Who a key is."""

from pydantic import Field

from lambdas.schemas.base import Model


class VerifiedView(Model):
    valid: bool
    user_id: str = Field(description="The key's id.")
    uid: str = Field(description="The same.")
    email: str = Field(description="No address: the key's id at the project, below `.invalid`.")
    org_id: str = Field(description="The project.")

    @classmethod
    def of(cls, project: str, key_id: str) -> "VerifiedView":
        return cls(valid=True, user_id=key_id, uid=key_id, email=f"{key_id}@{project}.invalid", org_id=project)

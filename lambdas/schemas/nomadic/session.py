"""The caller's key."""

from pydantic import Field

from lambdas.schemas.base import Model


class VerifiedView(Model):
    valid: bool
    user_id: str = Field(description="The key's id.")
    uid: str = Field(description="Same as `user_id`.")
    email: str = Field(description="`{key id}@{project}.invalid`, which is no real address.")
    org_id: str = Field(description="The project.")

    @classmethod
    def of(cls, project: str, key_id: str) -> "VerifiedView":
        return cls(valid=True, user_id=key_id, uid=key_id, email=f"{key_id}@{project}.invalid", org_id=project)

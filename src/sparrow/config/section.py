"""What every section of the settings is made of."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from sparrow.schema import MAX_ID

Positive = Annotated[int, Field(ge=1)]
RawId = Annotated[int, Field(ge=0, le=MAX_ID)]
Share = Annotated[float, Field(gt=0, lt=1)]


class Section(BaseModel):
    """A group of settings: frozen, and strict about names."""

    model_config = ConfigDict(frozen=True, extra="forbid")

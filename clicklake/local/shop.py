"""The shop whose clicks the local cloud takes: the Mysfits, or one's own items and catalogue."""

from dataclasses import dataclass

from clicklake.deploy.checks import check_lake, lake_defaults
from clicklake.errors import CommandError

EVANGELINE = "4e53920c-505a-4a90-a694-b9300791f0ae"  # an item of the sample site's catalogue
NO_CATALOGUE = "none"
# The bundles' variables, and the parameters of lake.yaml that set them.
VARIABLES = {
    "ITEM_ID_FIELD": "ItemIdField",
    "CATALOGUE_URL": "CatalogueUrl",
    "CATALOGUE_ATTRIBUTES": "CatalogueAttributes",
}


@dataclass(frozen=True)
class Shop:
    """The three settings as they were given; None stands for the Mysfits' own."""

    item_id_field: str | None = None
    catalogue_url: str | None = None
    catalogue_attributes: str | None = None

    @property
    def is_own(self) -> bool:
        return self != Shop()

    @property
    def item_field(self) -> str:
        return self.item_id_field or "mysfitId"

    def example_click(self) -> str:
        """Return a click as JSON, for a command to copy."""
        item = "your-item" if self.is_own else EVANGELINE
        return f'{{"userId":"guest","{self.item_field}":"{item}"}}'

    def variables(self) -> dict[str, str]:
        """Return the environment variables of the bundles that were given."""
        values = (self.item_id_field, self.catalogue_url, self.catalogue_attributes)
        return {name: value for name, value in zip(VARIABLES, values, strict=True) if value is not None}

    def parameters(self, mysfits_catalogue: str) -> dict[str, str]:
        """Return the lake's parameters, all three, since a stack keeps those of the start before."""
        defaults, given = lake_defaults(), self.variables()
        values = {parameter: given.get(name) or defaults[parameter] for name, parameter in VARIABLES.items()}
        # The Mysfits' catalogue knows no item of another shop.
        catalogue = NO_CATALOGUE if self.item_id_field else mysfits_catalogue
        if self.catalogue_url is not None:
            catalogue = self.catalogue_url or NO_CATALOGUE
        return values | {"CatalogueUrl": catalogue}

    def check(self) -> None:
        """Raise CommandError that names the variable and the rule, which is lake.yaml's or a bundle's."""
        if not self.is_own:
            return
        try:
            check_lake(self.parameters(mysfits_catalogue=NO_CATALOGUE))
        except CommandError as error:
            message = error.format_message()
            for variable, parameter in VARIABLES.items():
                message = message.replace(parameter, variable)
            raise CommandError(message) from None

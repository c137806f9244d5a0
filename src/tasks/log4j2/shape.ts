import type { Configuration } from './configuration.ts';
import type { Markup } from './splice.ts';
import type { Element } from './xml.ts';

/** What a component means, whatever its spelling: equal texts, equal meaning. */
export function shapeOf(configuration: Configuration, element: Element): string {
  const isParameter = (child: Element): boolean =>
    child.text !== '' && child.children.length === 0 && child.attributes.length === 0;
  return shape(
    configuration.type(element),
    [
      ...element.attributes
        .filter(({ name }) => !(configuration.strict && name.toLowerCase() === 'type'))
        .map(({ name, value }) => [name, value] as const),
      ...element.children.filter(isParameter).map(({ name, text }) => [name, text] as const),
    ],
    element.children.filter((child) => !isParameter(child)).map((child) => shapeOf(configuration, child)),
    element.children.length > 0 ? '' : element.text,
  );
}

export function shapeOfMarkup({ name, attributes, children = [] }: Markup, strict: boolean): string {
  const type = strict ? attributes.find(([attribute]) => attribute === 'type')?.[1] : undefined;
  return shape(
    (type ?? name).toLowerCase(),
    attributes.filter(([attribute]) => !(strict && attribute === 'type')),
    children.map((child) => shapeOfMarkup(child, strict)),
    '',
  );
}

function shape(
  type: string,
  parameters: readonly (readonly [string, string])[],
  children: readonly string[],
  text: string,
): string {
  const named = parameters.map(([name, value]) => [name.toLowerCase(), value]).sort();
  return JSON.stringify([type, named, children, text]);
}

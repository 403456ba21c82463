/**
 * Kubernetes' `$(NAME)` references in commands, arguments and variables: a known name becomes its value, an unknown one
 * stays as it is, and `$$` stands for a `$` that begins no reference. Pure.
 */
export function expand(text: string, variables: ReadonlyMap<string, string>): string {
  return text.replace(/\$\$|\$\(([^)]*)\)/g, (whole, name: string | undefined) => {
    if (name === undefined) return '$';
    return variables.get(name) ?? whole;
  });
}

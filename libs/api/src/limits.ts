/** Every bound of this package, with its unit. The figures are Kubernetes' unless said otherwise. */
export const limits = {
  /** A request body; beyond it 413. */
  bodySizeMaxBytes: 3 * 1024 * 1024,
  /** YAML proper (not JSON under YAML's name) is read a hundred times slower than JSON: ours, to keep the event loop free. */
  yamlSizeMaxBytes: 128 * 1024,
  /** Objects and lists inside one another in a body or in a patch's result. Ours: no kind comes near it. */
  depthMax: 64,
  /** Columns by which a line of YAML may be indented: ours. */
  yamlIndentMaxColumns: 256,
  /** Nodes of a YAML document after its aliases are resolved. */
  yamlNodesMax: 100_000,
  /** How many strict decoding errors an answer lists. */
  strictErrorsMax: 30,
  /** Operations of one JSON patch; beyond it 413. */
  jsonPatchOperationsMax: 10_000,
  /** What the copies and moves of one JSON patch may amount to, in characters. */
  jsonPatchCopiedMaxCharacters: 1024 * 1024,
  /** A label or field selector. */
  selectorLengthMaxCharacters: 64 * 1024,
  /** The name of a field manager. */
  fieldManagerLengthMaxBytes: 128,
  /** managedFields entries of operation Update; the oldest beyond it are merged into `ancient-changes`. */
  updateManagersMax: 10,
  /** Causes that one refusal of an object lists: ours, so that an answer cannot outgrow its question. */
  fieldErrorsMax: 256,
  /** A quantity as text. Ours: no amount needs more digits. */
  quantityLengthMaxCharacters: 64,
  /** Keys and values of all of an object's annotations. */
  annotationsSizeMaxBytes: 256 * 1024,
  /** All of a Secret's or a ConfigMap's data. */
  dataSizeMaxBytes: 1024 * 1024,
} as const;

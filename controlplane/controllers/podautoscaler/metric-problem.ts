/** Why a metric says nothing, in Kubernetes' words. */
export class MetricProblem extends Error {
  override readonly name = "MetricProblem";
}

/** The identity by which the mesh knows a service account, https://istio.io/latest/docs/concepts/security/#istio-identity. */
export function principalOf(namespace: string, account: string, trustDomain?: string): string {
    return `${trustDomain ?? "cluster.local"}/ns/${namespace}/sa/${account}`;
}

import { resources, oneReplica, targetCpuUtilization, topologySpread } from "./availability";
import type { GatewayValues } from "./chartValues";
import { GatewayExposure, type IngressGatewayArgs } from "./gatewayArgs";

/** The names and labels by which a gateway is found. */
export interface GatewayIdentity {
    releaseName: string;
    /** Labels that Gateways and policies select its pods by. */
    selector: { istio: string; "gateway-type": string };
}

/** Names and labels of a gateway: the label `istio` is the release's name without `istio-`, as the chart has it. */
export function gatewayIdentity(args: IngressGatewayArgs): GatewayIdentity {
    const releaseName =
        args.releaseName ??
        (args.exposure === GatewayExposure.External ? "istio-ingressgateway" : "istio-ingressgateway-internal");
    return {
        releaseName,
        selector: { istio: releaseName.replace(/^istio-/, ""), "gateway-type": args.exposure },
    };
}

/** Values of the chart `gateway`. */
export function gatewayValues(args: IngressGatewayArgs): GatewayValues {
    const { releaseName, selector } = gatewayIdentity(args);
    const replicas = args.replicas ?? oneReplica;
    return {
        name: releaseName,
        labels: { app: releaseName, ...selector },
        podAnnotations: { "proxy.istio.io/config": connectionLimit(args.maxConnections ?? 50000) },
        service: gatewayService(args),
        ...(replicas.max > replicas.min
            ? {
                  autoscaling: {
                      enabled: true,
                      minReplicas: replicas.min,
                      maxReplicas: replicas.max,
                      targetCPUUtilizationPercentage: targetCpuUtilization,
                  },
              }
            : { autoscaling: { enabled: false }, replicaCount: replicas.min }),
        podDisruptionBudget: replicas.min > 1 ? { minAvailable: 1 } : {},
        topologySpreadConstraints: replicas.max > 1 ? topologySpread({ app: releaseName }) : [],
        resources: args.resources ?? resources("100m", "128Mi", "2", "1Gi"),
        priorityClassName: args.priorityClassName ?? "",
        global: {
            networkPolicy: { enabled: args.networkPolicies ?? false },
            ...(args.platform ? { platform: args.platform } : {}),
        },
    };
}

function gatewayService(args: IngressGatewayArgs): GatewayValues["service"] {
    const port = (name: string, number: number) => ({
        name,
        port: number,
        protocol: "TCP" as const,
        targetPort: number,
    });
    const passed = {
        ...(args.serviceAnnotations ? { annotations: args.serviceAnnotations } : {}),
        ...(args.loadBalancerSourceRanges ? { loadBalancerSourceRanges: args.loadBalancerSourceRanges } : {}),
    };
    return args.exposure === GatewayExposure.External
        ? // Load balancers ask port 15021 whether the gateway is healthy.
          {
              type: "LoadBalancer",
              ports: [port("status-port", 15021), port("http2", 80), port("https", 443)],
              ...passed,
          }
        : { type: "ClusterIP", ports: [port("https", 443)], ...passed };
}

/**
 * Envoy accepts connections without limit unless told otherwise
 * (https://istio.io/latest/docs/ops/best-practices/security/#configure-a-limit-on-downstream-connections).
 */
function connectionLimit(connections: number): string {
    return JSON.stringify({
        proxyMetadata: { ISTIO_META_GLOBAL_DOWNSTREAM_MAX_CONNECTIONS: String(connections) },
    });
}

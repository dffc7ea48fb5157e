import * as pulumi from "@pulumi/pulumi";
import { images } from "../versions";
import { resources, type ReplicasArgs } from "./availability";
import { imageHome, type SourcesArgs } from "./helmRelease";
import { HttpRoute } from "./httpRoute";
import { principalOf } from "./identity";
import { MeshService, type CallerArgs } from "./meshService";
import { checkHosts } from "./validation";
import type { WorkloadArgs } from "./workload";

/** A way into the application: a gateway and the hosts that it serves there. */
export interface EntranceArgs {
    /** Name of the route. */
    name: string;
    /** `<namespace>/<name>` of the Gateway; pass {@link IngressGateway.gateway}. */
    gateway: pulumi.Input<string>;
    /** Identity of the gateway; pass {@link IngressGateway.principal}. */
    principal: pulumi.Input<string>;
    /** Namespace of the gateway's pods. */
    namespace: string;
    hosts: string[];
}

/** Share of the requests, in percent, that each version of `reviews` gets. They sum to 100. */
export interface ReviewsWeightsArgs {
    /** No stars. */
    v1: number;
    /** Black stars. */
    v2: number;
    /**
     * Red stars.
     * @default 0
     */
    v3?: number;
}

/** Arguments of {@link Bookinfo}. */
export interface BookinfoArgs {
    /** A namespace of the mesh. */
    namespace: string;
    entrances: EntranceArgs[];
    /** @default 80 for v1 and 20 for v2 */
    reviews?: ReviewsWeightsArgs;
    /**
     * Replicas of every version of every service.
     * @default one replica
     */
    replicas?: ReplicasArgs;
    /** @default false */
    networkPolicies?: boolean;
    /**
     * The trust domain of the mesh.
     * @default "cluster.local"
     */
    trustDomain?: string;
    /** @default - the images' official registry */
    sources?: SourcesArgs;
}

const port = 9080;

/** The paths that people and programs outside the mesh need. */
const exactPaths = ["/productpage", "/login", "/logout", "/api/v1/products"];
const prefixPaths = ["/static/", "/api/v1/products/"];

/**
 * Istio's sample application (https://istio.io/latest/docs/examples/bookinfo/), each of its services with an identity
 * of its own and callable by just those that call it. Depends on its {@link MeshNamespace}.
 *
 * @throws Error when a host is no DNS name, or the weights do not sum to 100.
 */
export class Bookinfo extends pulumi.ComponentResource {
    /** Addresses of the product page, one for each host. */
    public readonly urls: pulumi.Output<string[]>;

    constructor(name: string, args: BookinfoArgs, opts?: pulumi.ComponentResourceOptions) {
        super("pulumi-istio-platform:index:Bookinfo", name, args, opts);
        checkHosts(
            `Bookinfo "${name}"`,
            args.entrances.flatMap(({ hosts }) => hosts),
        );

        const productpage = this.service(name, args, "productpage", ["v1"], gatewayCallers(args));
        this.service(name, args, "details", ["v1"], [this.caller(args, "productpage", "/details/*")]);
        const reviews = this.service(
            name,
            args,
            "reviews",
            ["v1", "v2", "v3"],
            [this.caller(args, "productpage", "/reviews/*")],
        );
        // The product page's API asks for ratings itself (/api/v1/products/{id}/ratings).
        this.service(
            name,
            args,
            "ratings",
            ["v1"],
            [this.caller(args, "productpage", "/ratings/*"), this.caller(args, "reviews", "/ratings/*")],
        );

        this.reviewsRoute(name, args, reviews);
        for (const entrance of args.entrances) {
            this.entranceRoute(name, args, entrance, productpage);
        }
        this.urls = pulumi.output(
            args.entrances.flatMap(({ hosts }) => hosts.map((host) => `https://${host}/productpage`)),
        );
        this.registerOutputs({ urls: this.urls });
    }

    private service(
        name: string,
        args: BookinfoArgs,
        service: string,
        versions: string[],
        callers: CallerArgs[],
    ): MeshService {
        const home = imageHome(images.bookinfo, args.sources);
        return new MeshService(
            `${name}-${service}`,
            {
                service,
                namespace: args.namespace,
                versions: versions.map((version) => ({
                    name: version,
                    image: `${home}/examples-bookinfo-${service}-${version}:${images.bookinfo.tag}`,
                })),
                callers,
                ...container(service),
                port,
                healthPath: "/health",
                replicas: args.replicas,
                networkPolicies: args.networkPolicies,
                trustDomain: args.trustDomain,
            },
            { parent: this },
        );
    }

    private caller(args: BookinfoArgs, account: string, path: string): CallerArgs {
        return {
            principal: principalOf(args.namespace, account, args.trustDomain),
            namespace: args.namespace,
            methods: ["GET"],
            paths: [path],
        };
    }

    private reviewsRoute(name: string, args: BookinfoArgs, reviews: MeshService): void {
        const { v1, v2, v3 = 0 } = args.reviews ?? { v1: 80, v2: 20 };
        const weights = Object.entries({ v1, v2, v3 }).filter(([, weight]) => weight !== 0);
        new HttpRoute(
            `${name}-reviews-route`,
            {
                routeName: "reviews",
                namespace: args.namespace,
                hosts: [`reviews.${args.namespace}.svc.cluster.local`],
                rules: [
                    {
                        name: "split",
                        destinations: weights.map(([subset, weight]) => ({ host: reviews.host, port, subset, weight })),
                    },
                ],
            },
            { parent: this },
        );
    }

    private entranceRoute(name: string, args: BookinfoArgs, entrance: EntranceArgs, productpage: MeshService): void {
        new HttpRoute(
            `${name}-${entrance.name}-route`,
            {
                routeName: `bookinfo-${entrance.name}`,
                namespace: args.namespace,
                hosts: entrance.hosts,
                gateways: [entrance.gateway],
                rules: [
                    {
                        name: "productpage",
                        matches: [
                            ...exactPaths.map((exact) => ({ path: { exact } })),
                            ...prefixPaths.map((prefix) => ({ path: { prefix } })),
                        ],
                        destinations: [{ host: productpage.host, port }],
                        timeout: "15s",
                    },
                ],
            },
            { parent: this },
        );
    }
}

function gatewayCallers(args: BookinfoArgs): CallerArgs[] {
    const paths = [...exactPaths, ...prefixPaths.map((prefix) => `${prefix}*`)];
    return args.entrances.map(({ principal, namespace }) => ({
        principal,
        namespace,
        methods: ["GET", "POST"],
        paths,
    }));
}

/**
 * What the images need: Open Liberty under reviews writes beside its program, and eight gunicorn workers under
 * productpage hold 280 MiB at rest.
 */
function container(service: string): Partial<WorkloadArgs> {
    const common = { writableFolders: ["/tmp"], readOnlyRootFilesystem: false };
    switch (service) {
        case "reviews":
            return {
                ...common,
                environment: { LOG_DIR: "/tmp/logs" },
                resources: resources("100m", "192Mi", "1", "512Mi"),
            };
        case "productpage":
            return { ...common, resources: resources("100m", "320Mi", "1", "768Mi") };
        default:
            return common;
    }
}

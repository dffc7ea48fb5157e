import {
    CertificateIssuer,
    CertManager,
    ControlPlane,
    GatewayExposure,
    IngressGateway,
    MeshNamespace,
} from "../../components";

const controlPlane = new ControlPlane("istio", { cni: true });
const certManager = new CertManager("cert-manager");
const issuer = new CertificateIssuer("private-ca", { privateCa: {} }, { dependsOn: certManager });
const ingress = new MeshNamespace("istio-ingress", {}, { dependsOn: controlPlane });

const gateway = new IngressGateway(
    "external-gateway",
    {
        exposure: GatewayExposure.External,
        namespace: "istio-ingress",
        certificates: [
            {
                name: "shop",
                issuerName: issuer.issuerName,
                hosts: [{ host: "shop.example.com", namespace: "shop" }],
            },
        ],
    },
    { dependsOn: ingress },
);

export const address = gateway.service;

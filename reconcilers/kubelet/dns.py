"""A pod's name and where it looks up others. Source: kubelet's dns.Configurer and GeneratePodHostNameAndDomain."""

from msgspec import Struct

from shipslog.store.objects.types import core_v1

from .bound_pod import BoundPod
from .fields import ConfigError

HOSTNAME_MAX = 63
KERNEL_NAME_MAX = 64
DNS_SERVICE = ("kube-system", "kube-dns")


class NameTooLong(ConfigError):
    """The pod's whole name is to be its hostname, and is more than a kernel takes."""


class Names(Struct, frozen=True):
    """Empty `servers` means those of the node."""

    hostname: str
    fqdn: str = ""
    servers: tuple[str, ...] = ()
    searches: tuple[str, ...] = ()
    options: tuple[str, ...] = ()


def names(pod: BoundPod) -> Names:
    """The pod's names and its resolver configuration. Errors: NameTooLong."""
    hostname, fqdn = _hostname(pod)
    servers, searches, options = _by_policy(pod)
    config = pod.spec.dns_config
    if config is not None:
        own = {o.name: f"{o.name}:{o.value}" if o.value is not None else o.name for o in config.options}
        options = (*(o for o in options if o.partition(":")[0] not in own), *own.values())
        servers, searches = _merged(servers, config.nameservers), _merged(searches, config.searches)
    return Names(hostname, fqdn, servers, searches, options)


def _hostname(pod: BoundPod) -> tuple[str, str]:
    if pod.spec.host_network:
        return pod.node, ""
    if pod.spec.hostname_override:  # whatever else is asked for (KEP-4762)
        return pod.spec.hostname_override[:HOSTNAME_MAX].rstrip("-."), ""
    hostname = (pod.spec.hostname or pod.pod.metadata.name)[:HOSTNAME_MAX].rstrip("-.")
    if not pod.spec.subdomain:
        return hostname, ""
    fqdn = f"{hostname}.{pod.spec.subdomain}.{pod.pod.metadata.namespace}.svc.{pod.view.config.dns_domain}"
    if pod.spec.set_hostname_as_fqdn and len(fqdn) > KERNEL_NAME_MAX:
        asked = f"({KERNEL_NAME_MAX} characters is the max, {len(fqdn)} characters requested)"
        raise NameTooLong(f"failed to construct FQDN from pod hostname and cluster domain, FQDN {fqdn} is too long {asked}")
    return (fqdn if pod.spec.set_hostname_as_fqdn else hostname), fqdn


def _by_policy(pod: BoundPod) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    policy = pod.spec.dns_policy or "ClusterFirst"
    cluster = policy == "ClusterFirstWithHostNet" or (policy == "ClusterFirst" and not pod.spec.host_network)
    server = _name_server(pod) if cluster else ""
    if server in ("", "None"):
        return (), (), ()  # without a cluster DNS a pod resolves as its node does
    domain = pod.view.config.dns_domain
    searches = (f"{pod.pod.metadata.namespace}.svc.{domain}", f"svc.{domain}", domain)
    return (server,), searches, ("ndots:5",)


def _name_server(pod: BoundPod) -> str:
    """The one that the cluster was told of, else that of the Service."""
    if pod.view.config.cluster_dns:
        return pod.view.config.cluster_dns
    service = pod.view.get(core_v1.Service, DNS_SERVICE[1], DNS_SERVICE[0])
    return service.spec.cluster_ip if service is not None else ""


def _merged(first: tuple[str, ...], more: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*first, *more)))

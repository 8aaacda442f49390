"""The options of a daemon, in one table: the command line, the environment and the configuration file all read it.

An option is named as in `Settings`. Its aliases are the names that k3s and Kubernetes have for it.

Tests: tests/engine/settings/test_asked.py
"""

from typing import Literal

from msgspec import Struct

Kind = Literal["text", "number", "path", "directory", "place", "list", "choice", "switch"]
RUNTIMES = ("auto", "oci", "cri", "process", "simulated")
LEVELS = ("debug", "info", "warning", "error")
FORMATS = ("text", "json")
DNS = ("builtin", "none")
PROXIES = ("nftables", "iptables", "userspace")


class Option(Struct, frozen=True, kw_only=True):
    """`help`: one line of help. `kind` list: it may be given several times, or with commas between the values; place: a file
    or a directory."""

    name: str
    group: str
    help: str
    kind: Kind = "text"
    aliases: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    metavar: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """As in a file; `--` stands before them on a command line."""
        return (self.name.replace("_", "-"), *self.aliases)


START, ADDRESS, NODE, NETWORK = "Start", "Address and access", "Node", "Networks"
SCHEDULER, LOG = "Scheduler", "The daemon's messages"
GROUPS = (START, ADDRESS, NODE, NETWORK, SCHEDULER, LOG)

OPTIONS = (
    Option(
        name="data",
        group=START,
        kind="directory",
        aliases=("data-dir",),
        help="Directory of the log, the images and the pods [default: /var/lib/shipslog as root]",
    ),
    Option(name="config", group=START, kind="path", help="A YAML file with any of these options, named as here."),
    Option(
        name="reconfigure",
        group=START,
        kind="switch",
        help="Let options change what the data directory keeps, where that is possible.",
    ),
    Option(
        name="bind",
        group=ADDRESS,
        aliases=("bind-address",),
        metavar="ADDRESS",
        help="Address of the API [default: 0.0.0.0 as root, else 127.0.0.1]",
    ),
    Option(
        name="port",
        group=ADDRESS,
        kind="number",
        aliases=("https-listen-port",),
        help="Port of the API (TLS); 0 takes a free one [default: 6443]",
    ),
    Option(
        name="tls_san",
        group=ADDRESS,
        kind="list",
        metavar="NAME",
        help="One more name or address in the certificate of the API; again for more.",
    ),
    Option(
        name="kubeconfig",
        group=ADDRESS,
        kind="path",
        aliases=("write-kubeconfig",),
        help="Where to write a kubeconfig [default: DATA/kubeconfig]",
    ),
    Option(
        name="write_kubeconfig_mode",
        group=ADDRESS,
        metavar="MODE",
        help="Who may read that kubeconfig, an administrator's, as chmod has it [default: 600]",
    ),
    Option(
        name="serve_old_clients",
        group=ADDRESS,
        kind="switch",
        help="Serve kubectl 1.5 to 1.13, and other clients of that time, what they need besides.",
    ),
    Option(name="runtime", group=NODE, kind="choice", choices=RUNTIMES, help="What runs the containers [default: auto]"),
    Option(name="cri_socket", group=NODE, metavar="PATH", help="Socket of containerd or CRI-O, for --runtime cri."),
    Option(name="nodes", group=NODE, kind="number", help="How many nodes, for --runtime simulated [default: 1]"),
    Option(name="node_name", group=NODE, metavar="NAME", help="Name of the node [default: the host's name]"),
    Option(
        name="node_ip",
        group=NODE,
        metavar="ADDRESS",
        help="Address of the node, and of the API for pods [default: that of the default route]",
    ),
    Option(
        name="kubelet_port",
        group=NODE,
        kind="number",
        metavar="PORT",
        help="Port of the kubelet (TLS) [default: 10250, or a free one where that is taken]",
    ),
    Option(
        name="read_only_port",
        group=NODE,
        kind="number",
        metavar="PORT",
        help="Port where anybody may read what the kubelet knows; 0 for none [default: 0]",
    ),
    Option(
        name="cadvisor_port",
        group=NODE,
        kind="number",
        metavar="PORT",
        help="Port of cAdvisor's API and page, where anybody may read what pods use; 0 for none [default: 0]",
    ),
    Option(name="node_label", group=NODE, kind="list", metavar="KEY=VALUE", help="A label that the node has; again for more."),
    Option(
        name="node_taint",
        group=NODE,
        kind="list",
        metavar="KEY=VALUE:EFFECT",
        help="A taint that the node is registered with; again for more.",
    ),
    Option(
        name="container_log_max_size",
        group=NODE,
        metavar="SIZE",
        help="A container's log that is larger begins a new file [default: 10Mi]",
    ),
    Option(
        name="container_log_max_files",
        group=NODE,
        kind="number",
        help="How many files of it are kept, with the newest [default: 5]",
    ),
    Option(
        name="terminated_pod_gc_threshold",
        group=NODE,
        kind="number",
        help="How many pods that have ended are kept; beyond that the oldest go. 0: all are kept [default: 12500]",
    ),
    Option(
        name="kept_log_duration",
        group=NODE,
        metavar="DURATION",
        help="How long the logs of containers that are gone are kept; 0 for not at all [default: 168h]",
    ),
    Option(
        name="kept_log_max_size",
        group=NODE,
        metavar="SIZE",
        help="And how much of them all together [default: 1Gi]",
    ),
    Option(
        name="image_credential_provider_config",
        group=NODE,
        kind="path",
        help="A CredentialProviderConfig: which programs are asked for logins of which registries.",
    ),
    Option(
        name="image_credential_provider_bin_dir",
        group=NODE,
        kind="directory",
        help="The directory of these programs.",
    ),
    Option(
        name="register_node",
        group=NODE,
        kind="choice",
        choices=("true", "false"),
        help="Whether the node's object is made for it; else it waits until somebody has made it [default: true]",
    ),
    Option(
        name="pod_manifest_path",
        group=NODE,
        kind="place",
        aliases=("static-pod-path",),
        help="A directory of manifests, one pod a file, that the node runs whatever the API says.",
    ),
    Option(
        name="eviction_hard",
        group=NODE,
        kind="list",
        metavar="SIGNAL<AMOUNT",
        help="With less left a pod has to go, at once [default: memory.available<100Mi, nodefs.available<10%, ...]",
    ),
    Option(
        name="eviction_soft",
        group=NODE,
        kind="list",
        metavar="SIGNAL<AMOUNT",
        help="With less left for its grace period a pod has to go.",
    ),
    Option(
        name="eviction_soft_grace_period",
        group=NODE,
        kind="list",
        metavar="SIGNAL=DURATION",
        help="For how long such a threshold may be met, for example memory.available=1m30s.",
    ),
    Option(
        name="eviction_minimum_reclaim",
        group=NODE,
        kind="list",
        metavar="SIGNAL=AMOUNT",
        help="How much more has to be left before a threshold is not met any more.",
    ),
    Option(
        name="eviction_max_pod_grace_period",
        group=NODE,
        kind="number",
        metavar="SECONDS",
        help="How long a pod has to end that goes for a soft threshold, at most [default: 0, at once]",
    ),
    Option(
        name="eviction_pressure_transition_period",
        group=NODE,
        metavar="DURATION",
        help="How long the node's condition of pressure stays after its end [default: 5m]",
    ),
    Option(
        name="image_gc_high_threshold",
        group=NODE,
        kind="number",
        metavar="PERCENT",
        help="With so much of the disk used, images that nothing uses go [default: 85]",
    ),
    Option(
        name="image_gc_low_threshold",
        group=NODE,
        kind="number",
        metavar="PERCENT",
        help="Until so much of it is used [default: 80]",
    ),
    Option(
        name="minimum_image_ttl_duration",
        group=NODE,
        metavar="DURATION",
        help="An image that came later than so long ago does not go for that [default: 2m]",
    ),
    Option(
        name="service_cidr",
        group=NETWORK,
        aliases=("service-cluster-ip-range",),
        metavar="RANGES",
        help="Addresses of Services: a range, or one of IPv4 and one of IPv6 with a comma [default: 10.96.0.0/16]",
    ),
    Option(
        name="pod_cidr",
        group=NETWORK,
        aliases=("cluster-cidr", "pod-network-cidr"),
        metavar="RANGES",
        help="Addresses of pods: a range, or one of IPv4 and one of IPv6 with a comma [default: 10.244.0.0/16]",
    ),
    Option(
        name="node_cidr_mask_size_ipv4",
        group=NETWORK,
        kind="number",
        aliases=("node-cidr-mask-size",),
        metavar="BITS",
        help="How long the prefix of a node's part of the pods' range is [default: 24]",
    ),
    Option(
        name="node_cidr_mask_size_ipv6",
        group=NETWORK,
        kind="number",
        metavar="BITS",
        help="The same of IPv6 [default: 64]",
    ),
    Option(
        name="node_port_range",
        group=NETWORK,
        aliases=("service-node-port-range",),
        metavar="FIRST-LAST",
        help="Ports of NodePort Services [default: 30000-32767]",
    ),
    Option(
        name="load_balancer_pool",
        group=NETWORK,
        metavar="RANGES",
        help="Addresses of the machine's own network for LoadBalancer Services: a range, FIRST-LAST, or several with commas.",
    ),
    Option(
        name="proxy_mode",
        group=NETWORK,
        kind="choice",
        choices=PROXIES,
        help="How packets reach the pods of Services [default: nftables]",
    ),
    Option(
        name="cluster_dns",
        group=NETWORK,
        metavar="ADDRESS",
        help="Name server of pods [default: the Service kube-system/kube-dns, by --dns builtin 10.96.0.10]",
    ),
    Option(
        name="dns",
        group=NETWORK,
        kind="choice",
        choices=DNS,
        help="Name server for pods: one in this process, or none [default: builtin]",
    ),
    Option(
        name="resolv_conf",
        group=NETWORK,
        metavar="FILE",
        help="Where other name servers stand, for what is not of the cluster [default: /etc/resolv.conf]",
    ),
    Option(name="cluster_domain", group=NETWORK, metavar="DOMAIN", help="Domain of Services [default: cluster.local]"),
    Option(
        name="scheduler_config",
        group=SCHEDULER,
        kind="path",
        aliases=("kube-scheduler-config",),
        help="A KubeSchedulerConfiguration: profiles with their plugins, weights and arguments.",
    ),
    Option(
        name="policy_config_file",
        group=SCHEDULER,
        kind="path",
        help="A policy, as the first schedulers had them: predicates and priorities by name.",
    ),
    Option(
        name="algorithm_provider",
        group=SCHEDULER,
        metavar="NAME",
        help="DefaultProvider, or ClusterAutoscalerProvider, which fills nodes [default: DefaultProvider]",
    ),
    Option(name="log_level", group=LOG, kind="choice", choices=LEVELS, help="How grave one is at least [default: info]"),
    Option(name="log_format", group=LOG, kind="choice", choices=FORMATS, help="Lines for people, or JSON [default: text]"),
    Option(
        name="log_file",
        group=LOG,
        kind="path",
        help="Where they go [default: DATA/shipslog.log with --detach, else standard error]",
    ),
    Option(name="log_max_size", group=LOG, metavar="SIZE", help="A file of them that is larger begins anew [default: 10Mi]"),
    Option(name="log_max_files", group=LOG, kind="number", help="How many are kept, with the newest [default: 5]"),
    Option(
        name="slow_request",
        group=LOG,
        metavar="DURATION",
        help="Requests that take longer are told, with who asked for what [default: 1s]",
    ),
)
BY_NAME = {name: option for option in OPTIONS for name in option.names}


def flag(name: str) -> str:
    """As on a command line."""
    return "--" + name.replace("_", "-")

"""What somebody needs to be allowed to ask a kubelet for a path. Source: pkg/kubelet/server/auth.go, KEP-2862."""

VERBS = {"GET": "get", "HEAD": "get", "POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}


def subresources(path: str) -> tuple[str, ...]:
    """Of nodes: who may do the method's verb with any of these may ask for the path. The last is what an old rule grants."""
    top = path.strip("/").partition("/")[0]
    match top:
        case "stats":
            return ("stats",)
        case "metrics":
            return ("metrics",)
        case "logs":
            return ("log",)
        case "spec":
            return ("spec",)
        case "checkpoint":
            return ("checkpoint",)
        case "pods" | "runningpods" | "runningPods":
            return ("pods", "proxy")
        case "healthz":
            return ("healthz", "proxy")
        case "configz":
            return ("configz", "proxy")
    return ("proxy",)

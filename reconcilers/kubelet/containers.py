"""Which containers of a pod that has its sandbox are to be started or stopped now.

Source: kubelet's computePodActions: init containers in order, sidecars among them left running, then all the others at once;
what ended is started again by the pod's restart policy, with CrashLoopBackOff.

Tests: tests/reconcilers/kubelet/test_lifecycle.py
"""

from msgspec import UNSET

from shipslog.runtime.commands import StartContainer, StopContainer
from shipslog.store.facts import ContainerExited
from shipslog.store.objects.types import core_v1
from shipslog.store.objects.values import quantity
from shipslog.store.objects.values.times import duration
from shipslog.store.state import ContainerRuntime

from . import backoff, images, resize, resources
from .bound_pod import AnyContainer, BoundPod, ended, full_name, is_sidecar
from .environment import Environment, environment
from .fields import ConfigError
from .hooks import lifecycle_hook
from .plan import PodPlan
from .security import security
from .volumes import devices, mounts

CONFIG_RETRY_S = 60.0  # a config map or secret that is made wakes the pods that wait; this is for whatever else was missing


def plan_containers(pod: BoundPod, plan: PodPlan) -> None:
    """Stop what is unhealthy, start what is next."""
    unhealthy = _stop_unhealthy(pod, plan)
    resize.plan_resize(pod, plan, unhealthy)
    if all(finished(pod, c) for c in pod.spec.containers):
        stop_sidecars(pod, plan, pod.grace_period_s, "")  # and none of them is started again
    elif _plan_init(pod, plan):
        for container in pod.spec.containers:
            if container.name in unhealthy:
                continue
            _plan_start(pod, container, plan)
            if _holds_others(pod, container, plan):
                plan.because(f"those after {container.name} wait for its post-start hook")
                break
    for extra in pod.spec.ephemeral_containers:
        if pod.state(extra.name) is None:
            _start(pod, extra, 0, plan)


def _holds_others(pod: BoundPod, container: AnyContainer, plan: PodPlan) -> bool:
    """Whether it is on its way with a hook: a kubelet starts one container after the other, each with its hook, and people hold
    others back so. Where it cannot start for now, or has failed, the others go on."""
    lifecycle, state = container.lifecycle, pod.state(container.name)
    if lifecycle is None or lifecycle.post_start is None or (state is not None and state.running):
        return False
    return not finished(pod, container) and container.name not in plan.waiting


def first_images(pod: BoundPod, plan: PodPlan) -> None:
    """Get what the first containers need while the sandbox is still being made."""
    waiting = pod.spec.init_containers[:1] or pod.spec.containers
    for container in waiting:
        images.ready(pod, container, plan)


def should_restart(pod: BoundPod, container: AnyContainer, exit_code: int) -> bool:
    """By the first of its own rules that fits, else by its own restart policy, else by the pod's (KEP-5307)."""
    if isinstance(container, core_v1.EphemeralContainer):
        return False
    if any(_fits(rule, exit_code) for rule in container.restart_policy_rules):
        return True
    policy = container.restart_policy or pod.restart_policy
    return policy == "Always" or (policy == "OnFailure" and exit_code != 0)


def _fits(rule: core_v1.ContainerRestartRule, exit_code: int) -> bool:
    codes = rule.exit_codes
    return rule.action == "Restart" and codes is not None and (exit_code in codes.values) == (codes.operator == "In")


def finished(pod: BoundPod, container: AnyContainer) -> bool:
    """It has ended and will not be started again."""
    end = ended(pod.state(container.name))
    return end is not None and not should_restart(pod, container, end.exit_code)


def wants_sandbox(pod: BoundPod) -> bool:
    """Whether something is still to be run."""
    return not init_failed(pod) and not all(finished(pod, c) for c in pod.spec.containers)


def init_failed(pod: BoundPod) -> bool:
    """An init container failed and the pod does not repeat it."""
    for container in pod.spec.init_containers:
        end = ended(pod.state(container.name))
        if end is None or end.exit_code == 0 or is_sidecar(container):
            continue
        if (container.restart_policy or pod.restart_policy) == "Never" and not should_restart(pod, container, end.exit_code):
            return True
    return False


# --- init containers ---


def _plan_init(pod: BoundPod, plan: PodPlan) -> bool:
    """True when the app containers may run. Else the next init container is on its way."""
    if init_failed(pod):
        plan.because("InitContainerFailed")
        stop_sidecars(pod, plan, pod.grace_period_s, "")
        return False
    for container in pod.spec.init_containers:
        if is_sidecar(container):
            _plan_start(pod, container, plan)
            if not (started(pod, container) or _apps_began(pod)):
                plan.because(f"waiting for sidecar {container.name}")
                return False
            continue
        state = pod.state(container.name)
        end = ended(state)
        if end is not None and end.exit_code == 0 and pod.of_this_sandbox(end):
            continue
        if state is not None and state.running:
            plan.because(f"init container {container.name} runs")
        else:
            _plan_init_start(pod, container, state, end, plan)
        return False
    return True


def _plan_init_start(
    pod: BoundPod, container: AnyContainer, state: ContainerRuntime | None, end: ContainerExited | None, plan: PodPlan
) -> None:
    if state is not None and end is not None and not pod.of_this_sandbox(end):
        _start(pod, container, state.attempt + 1, plan, end.at_ns)  # a new sandbox: from the beginning
    elif state is not None and end is not None:
        _restart(pod, container, state, end, plan)
    else:
        _plan_start(pod, container, plan)


def _apps_began(pod: BoundPod) -> bool:
    states = (pod.state(c.name) for c in pod.spec.containers)
    return any(s is not None and (s.running or (s.exit is not None and pod.of_this_sandbox(s.exit))) for s in states)


def started(pod: BoundPod, container: AnyContainer) -> bool:
    """It runs, and its startup probe, if it has one, has succeeded."""
    state = pod.state(container.name)
    if state is None or not state.running:
        return False
    probe = state.probes.get("startup")
    return container.startup_probe is None or (probe is not None and probe.healthy)


# --- starting ---


def _plan_start(pod: BoundPod, container: AnyContainer, plan: PodPlan) -> None:
    state = pod.state(container.name)
    end = ended(state)
    if state is None:
        _start(pod, container, 0, plan)
    elif end is not None:
        if should_restart(pod, container, end.exit_code):
            _restart(pod, container, state, end, plan)
    elif not state.running:
        wait_s = backoff.remaining_s(state.failed_at_ns, backoff.restart_s(state.failures), pod.now)
        if wait_s:
            plan.wait(container.name, state.start_failure, state.start_message, wait_s)
            return
        for one in images.wanted(pod, container):
            if one.policy != "Always":
                plan.do(images.pull(pod, one), f"Pulling {one.image}")  # it may be what was missing
        _start(pod, container, state.attempt, plan)


def _restart(pod: BoundPod, container: AnyContainer, state: ContainerRuntime, end: ContainerExited, plan: PodPlan) -> None:
    pause_s = backoff.restart_s(state.failures)
    wait_s = backoff.remaining_s(end.at_ns, pause_s, pod.now)
    if wait_s:
        name = full_name(pod.pod)
        message = f"back-off {duration(pause_s)} restarting failed container={container.name} pod={name}"
        plan.wait(container.name, "CrashLoopBackOff", message, wait_s)
        return
    _start(pod, container, state.attempt + 1, plan, end.at_ns)


def _start(pod: BoundPod, container: AnyContainer, attempt: int, plan: PodPlan, since_ns: int = 0) -> None:
    if not images.ready(pod, container, plan, since_ns):
        return
    if plan.full:
        plan.because(f"{container.name} follows those that start now")
        return
    try:
        resolved = environment(pod, container)
        command = start_command(pod, container, attempt, resolved)
    except ConfigError as error:
        plan.wait(container.name, "CreateContainerConfigError", str(error), CONFIG_RETRY_S)
        return
    why = f"Starting {container.name}" if attempt == 0 else f"Restarting {container.name}, attempt {attempt}"
    plan.start(command, resolved.size_bytes, why)


def start_command(pod: BoundPod, container: AnyContainer, attempt: int, resolved: Environment) -> StartContainer:
    """The command with everything resolved. Errors: ConfigError for what is missing."""
    capacity = quantity.value(pod.observed.capacity.get("memory", 0))
    lifecycle, limits = container.lifecycle, resources.limits_of(pod.spec, container)
    return StartContainer(
        node=pod.node,
        pod_uid=pod.uid,
        namespace=pod.pod.metadata.namespace,
        name=pod.pod.metadata.name,
        container=container.name,
        attempt=attempt,
        image=container.image,
        command=resolved.command,
        args=resolved.args,
        target=container.target_container_name if isinstance(container, core_v1.EphemeralContainer) else "",
        env=resolved.env,
        working_dir=container.working_dir,
        mounts=mounts(pod.pod, container, dict(resolved.env)),
        stdin=container.stdin,
        stdin_once=container.stdin_once,
        tty=container.tty,
        cpu_request_milli=limits.cpu_request_milli,
        cpu_limit_milli=limits.cpu_limit_milli,
        memory_limit_bytes=limits.memory_limit_bytes,
        oom_score_adj=resources.oom_score_adj(pod.pod, container, capacity),
        termination_message_path=container.termination_message_path or "/dev/termination-log",
        termination_message_fallback_to_logs=container.termination_message_policy == "FallbackToLogsOnError",
        security=security(pod.pod, container),
        post_start=lifecycle_hook(lifecycle.post_start, container, pod.ip) if lifecycle is not None else None,
        stop_signal=(lifecycle.stop_signal or "") if lifecycle is not None else "",
        env_files=resolved.files or UNSET,
        huge_pages=resources.huge_pages(container) or UNSET,
        devices=devices(pod.pod, container) or UNSET,
    )


# --- stopping ---


def stop_command(
    pod: BoundPod, state: ContainerRuntime, grace_s: int, reason: str, after: tuple[str, ...] = ()
) -> StopContainer:
    """End one running container; its signal waits for the end of those that it comes `after`."""
    container = pod.container(state.name)
    pre_stop = None
    if container is not None and container.lifecycle is not None:
        try:
            pre_stop = lifecycle_hook(container.lifecycle.pre_stop, container, pod.ip)
        except ConfigError:
            pre_stop = None  # a hook that cannot be made must not keep the container running
    return StopContainer(
        node=pod.node, pod_uid=pod.uid, container=state.name, attempt=state.attempt, grace_period_s=grace_s, pre_stop=pre_stop,
        reason=f"Container {state.name} {reason}" if reason else f"Stopping container {state.name}", after=after or UNSET,
    )  # fmt: skip


def stop_all(pod: BoundPod, plan: PodPlan, grace_s: int, reason: str) -> None:
    """End all that runs, within one grace period: the sidecars when the others have ended, the last first."""
    sidecars = {c.name for c in pod.spec.init_containers if is_sidecar(c)}
    for state in pod.running():
        if state.name not in sidecars:
            plan.do(stop_command(pod, state, grace_s, reason), f"Stopping {state.name}")
    stop_sidecars(pod, plan, grace_s, reason)


def stop_sidecars(pod: BoundPod, plan: PodPlan, grace_s: int, reason: str) -> None:
    """End the sidecars, each when the containers and the sidecars after it have ended. All are told so at once: their hooks run
    meanwhile, and none gets more than the one grace period."""
    before = [container.name for container in pod.spec.containers]
    for container in reversed(pod.spec.init_containers):
        if not is_sidecar(container):
            continue
        state = pod.state(container.name)
        if state is not None and state.running:
            plan.do(stop_command(pod, state, grace_s, reason, tuple(before)), f"Stopping {state.name}")
        before.append(container.name)


def _stop_unhealthy(pod: BoundPod, plan: PodPlan) -> set[str]:
    """End what has another image now, or what its liveness or startup probe has given up; its restart follows from its end."""
    stopped = set()
    for state in pod.running():
        container = pod.container(state.name)
        if container is not None and state.image and state.image != container.image:
            changed = stop_command(pod, state, pod.grace_period_s, "definition changed, will be restarted")
            plan.do(changed, f"{state.name} has another image now")
            stopped.add(state.name)
            continue
        if container is not None and resize.needs_restart(pod.spec, state, container):
            changed = stop_command(pod, state, pod.grace_period_s, "resize requires restart")
            plan.do(changed, f"{state.name} is started again with other resources")
            stopped.add(state.name)
            continue
        for kind in ("startup", "liveness"):
            verdict = state.probes.get(kind)
            if container is None or verdict is None or verdict.healthy:
                continue
            probe = container.startup_probe if kind == "startup" else container.liveness_probe
            own_s = probe.termination_grace_period_seconds if probe is not None else None
            command = stop_command(
                pod, state, pod.grace_period_s if own_s is None else own_s, f"failed {kind} probe, will be restarted"
            )
            plan.do(command, f"{kind} probe of {state.name} failed")
            stopped.add(state.name)
            break
    return stopped

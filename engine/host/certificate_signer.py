"""Signs the requests for certificates that are approved: a rule holds no key, so the engine does it, and writes what it signed.

A request that its signer does not take fails, in its status. Source: Kubernetes' certificate signing controller.
"""

import asyncio
from collections.abc import Callable
from functools import partial

from msgspec.structs import replace

from shipslog.engine.commit.committer import Committer
from shipslog.reconcilers.cluster.certificate_requests import SIGNERS, asked, refusal
from shipslog.store.commands import Update
from shipslog.store.events import Event
from shipslog.store.logger import logger
from shipslog.store.objects.conditions import find_condition
from shipslog.store.objects.types.certificates_v1 import CertificateSigningRequest, CertificateSigningRequestCondition
from shipslog.store.refusals import Conflict, NotFound, Refusal, Unavailable
from shipslog.store.state import Entry
from shipslog.store.tasks import Tasks

ACTOR = "system:controller:certificate-controller"
Sign = Callable[[CertificateSigningRequest, int], str]  # -> base64. Errors: ValueError, OSError

log = logger(__name__)


class CertificateSigner:
    """Listens to the committer; what was there before is looked at when it is made. `tasks` are the cluster's."""

    def __init__(self, committer: Committer, sign: Sign, tasks: Tasks) -> None:
        self._committer, self._sign, self._tasks = committer, sign, tasks
        self._under_way: set[str] = set()
        committer.listeners.append(self.on_event)
        for request in committer.view.list(CertificateSigningRequest):
            self._look(request)

    def on_event(self, event: Event, entry: Entry | None, previous: Entry | None) -> None:
        """A request that came or changed may be approved."""
        if entry is not None and isinstance(entry.object, CertificateSigningRequest):
            self._look(entry.object)

    def _look(self, request: CertificateSigningRequest) -> None:
        name = request.metadata.name
        if waits(request) and name not in self._under_way:
            self._under_way.add(name)
            signing = self._tasks.keep("certificates that are approved", partial(self._answer, name))
            signing.add_done_callback(lambda _: self._under_way.discard(name))

    async def _answer(self, name: str) -> None:
        """Until it has its certificate, or its failure. Errors: Unavailable while the log takes no writes."""
        while True:
            request = self._committer.view.get(CertificateSigningRequest, name)
            if request is None or not waits(request):
                return
            try:
                answered = await self._answered(request)
                await self._committer.submit(
                    Update(object=answered, subresource="status"), actor=ACTOR, groups=("system:masters",)
                )
            except (Conflict, NotFound):
                continue  # somebody was faster
            except Refusal as refused:
                if self._committer.closed:
                    return
                log.warning("certificate_not_written", request=name, why=refused.message)
                if isinstance(refused, Unavailable):
                    raise
                return

    async def _answered(self, request: CertificateSigningRequest) -> CertificateSigningRequest:
        spec, status = request.spec, request.status
        why = refusal(spec.signer_name, asked(spec.request), spec.usages)
        if not why:
            try:
                now_ns = self._committer.clock.now_ns()
                certificate = await asyncio.to_thread(self._sign, request, now_ns)
                return replace(request, status=replace(status, certificate=certificate))
            except ValueError as error:
                why = str(error)
        failed = CertificateSigningRequestCondition(type="Failed", status="True", reason="SignerValidationFailure", message=why)
        return replace(request, status=replace(status, conditions=(*status.conditions, failed)))


def waits(request: CertificateSigningRequest) -> bool:
    """Whether it is approved, and for us to sign."""
    if request.spec.signer_name not in SIGNERS or request.status.certificate or request.metadata.deletion_timestamp:
        return False
    answers = {t for t in ("Approved", "Denied", "Failed") if find_condition(request.status.conditions, t) is not None}
    return answers == {"Approved"}

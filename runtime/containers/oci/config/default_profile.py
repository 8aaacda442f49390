"""RuntimeDefault: which system calls a container may make whose pod asks for no profile of its own but for some.

What ordinary programs need is listed; what works on the machine and not on the process is for those with the capability that
the kernel wants for it anyway, so that a mistake of the kernel's there is out of reach; the rest fails with EPERM. A call
that is newer than the lists fails too. Source of the lists: the kernel's tables of system calls for x86 and arm64 (6.18), and
capabilities(7).

Tests: tests/runtime/containers/oci/config/test_seccomp.py
"""

from typing import Any

ALLOWED = """
_llseek _newselect accept accept4 access adjtimex alarm arch_prctl arm_fadvise64_64 arm_sync_file_range bind brk cachestat
capget capset chdir chmod chown chown32 clock_adjtime clock_adjtime64 clock_getres clock_getres_time64 clock_gettime
clock_gettime64 clock_nanosleep clock_nanosleep_time64 close close_range connect copy_file_range creat dup dup2 dup3
epoll_create epoll_create1 epoll_ctl epoll_pwait epoll_pwait2 epoll_wait eventfd eventfd2 execve execveat exit exit_group
faccessat faccessat2 fadvise64 fadvise64_64 fallocate fanotify_mark fchdir fchmod fchmodat fchmodat2 fchown fchown32
fchownat fcntl fcntl64 fdatasync fgetxattr file_getattr file_setattr flistxattr flock fork fremovexattr fsetxattr fstat
fstat64 fstatat fstatat64 fstatfs fstatfs64 fsync ftruncate ftruncate64 futex futex_requeue futex_time64 futex_wait
futex_waitv futex_wake futimesat get_robust_list get_thread_area getcpu getcwd getdents getdents64 getegid getegid32 geteuid
geteuid32 getgid getgid32 getgroups getgroups32 getitimer getpeername getpgid getpgrp getpid getppid getpriority getrandom
getresgid getresgid32 getresuid getresuid32 getrlimit getrusage getsid getsockname getsockopt gettid gettimeofday getuid
getuid32 getxattr getxattrat inotify_add_watch inotify_init inotify_init1 inotify_rm_watch io_cancel io_destroy io_getevents
io_pgetevents io_pgetevents_time64 io_setup io_submit ioctl ioprio_get ioprio_set ipc kill landlock_add_rule
landlock_create_ruleset landlock_restrict_self lchown lchown32 lgetxattr link linkat listen listxattr listxattrat llistxattr
llseek lremovexattr lseek lsetxattr lsm_get_self_attr lsm_list_modules lstat lstat64 madvise map_shadow_stack membarrier
memfd_create memfd_secret mincore mkdir mkdirat mknod mknodat mlock mlock2 mlockall mmap mmap2 modify_ldt mprotect
mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedreceive_time64 mq_timedsend mq_timedsend_time64 mq_unlink mremap
mseal msgctl msgget msgrcv msgsnd msync munlock munlockall munmap name_to_handle_at nanosleep newfstatat nice oldfstat
oldlstat oldolduname oldstat olduname open openat openat2 pause pidfd_open pidfd_send_signal pipe pipe2 pkey_alloc pkey_free
pkey_mprotect poll ppoll ppoll_time64 prctl pread64 preadv preadv2 prlimit64 process_mrelease pselect6 pselect6_time64
ptrace pwrite64 pwritev pwritev2 read readahead readdir readlink readlinkat readv recvfrom recvmmsg recvmmsg_time64 recvmsg
remap_file_pages removexattr removexattrat rename renameat renameat2 restart_syscall rmdir rseq rt_sigaction rt_sigpending
rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_sigtimedwait_time64 rt_tgsigqueueinfo
sched_get_priority_max sched_get_priority_min sched_getaffinity sched_getattr sched_getparam sched_getscheduler
sched_rr_get_interval sched_rr_get_interval_time64 sched_setaffinity sched_setattr sched_setparam sched_setscheduler
sched_yield seccomp select semctl semget semop semtimedop semtimedop_time64 sendfile sendfile64 sendmmsg sendmsg sendto
set_robust_list set_thread_area set_tid_address setfsgid setfsgid32 setfsuid setfsuid32 setgid setgid32 setgroups
setgroups32 setitimer setpgid setpriority setregid setregid32 setresgid setresgid32 setresuid setresuid32 setreuid
setreuid32 setrlimit setsid setsockopt setuid setuid32 setxattr setxattrat sgetmask shmat shmctl shmdt shmget shutdown
sigaction sigaltstack signal signalfd signalfd4 sigpending sigprocmask sigreturn sigsuspend socketcall socketpair splice
ssetmask stat stat64 statfs statfs64 statx symlink symlinkat sync sync_file_range sync_file_range2 syncfs sysinfo tee tgkill
time timer_create timer_delete timer_getoverrun timer_gettime timer_gettime64 timer_settime timer_settime64 timerfd_create
timerfd_gettime timerfd_gettime64 timerfd_settime timerfd_settime64 times tkill truncate truncate64 ugetrlimit umask uname
unlink unlinkat utime utimensat utimensat_time64 utimes vfork vmsplice wait4 waitid waitpid write writev
""".split()

# a capability, and what its owner may call besides
FOR = """
CAP_BPF bpf
CAP_DAC_READ_SEARCH open_by_handle_at
CAP_PERFMON perf_event_open
CAP_SYSLOG syslog
CAP_SYS_ADMIN bpf clone clone3 fanotify_init fsconfig fsmount fsopen fspick listmount lookup_dcookie lsm_set_self_attr mount
CAP_SYS_ADMIN mount_setattr move_mount open_tree open_tree_attr perf_event_open quotactl quotactl_fd setdomainname sethostname
CAP_SYS_ADMIN setns statmount syslog umount umount2 unshare
CAP_SYS_BOOT reboot
CAP_SYS_CHROOT chroot
CAP_SYS_MODULE delete_module finit_module init_module
CAP_SYS_NICE get_mempolicy mbind set_mempolicy set_mempolicy_home_node
CAP_SYS_PACCT acct
CAP_SYS_PTRACE kcmp pidfd_getfd process_madvise process_vm_readv process_vm_writev
CAP_SYS_RAWIO ioperm iopl
CAP_SYS_TIME clock_settime clock_settime64 settimeofday stime
CAP_SYS_TTY_CONFIG vhangup
""".strip()

ENOSYS, VSOCK = 38, 40
NAMESPACES = 0x7E020000  # the flags of clone(2) that make namespaces
PERSONALITIES = (0x0, 0x8, 0x20000, 0x20008, 0xFFFFFFFF)  # Linux, 32 bits, old release numbers, both, and "which is it?"


def _allow(*names: str, **more: Any) -> dict[str, Any]:
    return {"names": list(names), "action": "SCMP_ACT_ALLOW"} | more


def _argument(value: int, op: str, two: int = 0) -> list[dict[str, Any]]:
    return [{"index": 0, "value": value, "valueTwo": two, "op": op}]


def default() -> dict[str, Any]:
    """The profile as one in a file would be, with entries that hold by capabilities."""
    trusted = {"caps": ["CAP_SYS_ADMIN"]}
    return {
        "defaultAction": "SCMP_ACT_ERRNO",
        "defaultErrnoRet": 1,
        "syscalls": [
            _allow(*ALLOWED),
            *(_allow(*names, includes={"caps": [capability]}) for capability, *names in map(str.split, FOR.splitlines())),
            *(_allow("personality", args=_argument(value, "SCMP_CMP_EQ")) for value in PERSONALITIES),
            _allow("socket", args=_argument(VSOCK, "SCMP_CMP_NE")),  # that goes to the machine's host, past every network
            _allow("clone", args=_argument(NAMESPACES, "SCMP_CMP_MASKED_EQ"), excludes=trusted),
            # its flags lie in memory, where no filter looks: programs take clone instead when it is not there
            {"names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": ENOSYS, "excludes": trusted},
        ],
    }

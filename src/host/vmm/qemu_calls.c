/*
 * qemu_calls: the system calls of QEMU in its jail. Found by strace of cold
 * boots, of a template that is saved and of clones, under TCG and KVM, and what
 * libc and glib fall back to. Anything else fails with EPERM (1), so that a
 * library that merely tries goes on; another architecture's calls kill.
 *
 * #syscalls:qemu default !1
 *
 * The start. The filter stands before QEMU does, so execveat stays, for our own
 * QEMU, which is a memfd, and execve for the host's; what that can run is
 * itself and its loader, says Landlock, and ours no file at all. The child of
 * bulkhead-vmm says with sendto where that fails.
 * #syscalls:qemu execve execveat arch_prctl
 * #syscalls:qemu set_tid_address set_robust_list rseq
 * #syscalls:qemu prlimit64 int0=0 arg2=0
 * #syscalls:qemu sysinfo uname getrandom getrusage sched_getaffinity
 * #syscalls:qemu getpid gettid getuid geteuid getgid getegid
 * #syscalls:qemu prctl int0=PR_SET_NAME,PR_SET_TIMERSLACK,PR_SET_NO_NEW_PRIVS
 *
 * -sandbox of the host's TCG binary, a second list inside this one. Our own
 * QEMU has none, and needs none: what its parts forbid is not in this list
 * either. spawn: fork, vfork, a clone that is no thread, and exec of what the
 * jail does not hold; elevateprivileges: all set*id calls, setpgid, setsid;
 * resourcecontrol: setpriority and all sched_set* calls; obsolete: all of them.
 * #syscalls:qemu-tcg seccomp
 *
 * Memory. Code is mapped from files, privately, and never writable; what a
 * translator needs beyond that is the one thing that TCG has and KVM has not.
 * #syscalls:qemu brk munmap mremap membarrier
 * #syscalls:qemu mmap arg2&PROT_EXEC=0
 * #syscalls:qemu mmap arg2&PROT_EXEC|PROT_WRITE=PROT_EXEC arg3&MAP_SHARED=0
 * #syscalls:qemu madvise int2=MADV_DONTNEED,MADV_DONTDUMP,MADV_DONTFORK
 * #syscalls:qemu madvise int2=MADV_HUGEPAGE,MADV_NOHUGEPAGE
 * #syscalls:qemu-kvm mprotect arg2&PROT_EXEC=0
 * #syscalls:qemu-tcg mprotect arg2&PROT_EXEC=0
 * #syscalls:qemu-tcg mprotect arg2=PROT_READ|PROT_WRITE|PROT_EXEC
 *
 * Files: what the jail's root holds, and nothing is made, cut or removed.
 * #syscalls:qemu openat int2&O_CREAT|O_TRUNC|O_APPEND|O_TMPFILE=0
 * #syscalls:qemu access read readv pread64 write writev pwrite64 lseek close
 * #syscalls:qemu fstat newfstatat fstatfs statfs getdents64 fchdir getcwd
 * #syscalls:qemu readlink readlinkat
 * #syscalls:qemu fcntl int1=F_GETFD,F_SETFD,F_GETFL,F_SETFL,F_DUPFD_CLOEXEC
 * #syscalls:qemu fcntl int1=F_GET_SEALS
 *
 * A disk, which a cold machine may have, is read from where the guest wants.
 * #syscalls:qemu-cold preadv
 *
 * Its wire and its QMP, which are connected already: no socket is made, none
 * is bound or connected.
 * #syscalls:qemu recvfrom recvmsg sendto sendmsg shutdown getpeername
 * #syscalls:qemu getsockname
 * #syscalls:qemu getsockopt int1=SOL_SOCKET int2=SO_TYPE,SO_ERROR
 *
 * Waiting, time, threads. clone3 hides its flags behind a pointer: libc takes
 * clone where there is none (ENOSYS is 38). The one process in here is 1.
 * #syscalls:qemu poll ppoll epoll_create1 epoll_ctl epoll_pwait epoll_wait
 * #syscalls:qemu eventfd2 pipe2 signalfd4 futex sched_yield
 * #syscalls:qemu clock_gettime clock_getres clock_nanosleep gettimeofday
 * #syscalls:qemu nanosleep restart_syscall
 * #syscalls:qemu clone arg0&CLONE_THREAD=CLONE_THREAD
 * #syscalls:qemu clone3 !38
 * #syscalls:qemu exit exit_group
 * #syscalls:qemu rt_sigaction rt_sigprocmask rt_sigreturn rt_sigpending
 * #syscalls:qemu rt_sigtimedwait sigaltstack
 * #syscalls:qemu tgkill int0=1
 *
 * KVM, of the system. The requests are those that QEMU 7.2 makes for a microvm
 * machine, its snapshot and either kind of interrupt controller; an ioctl that
 * is not here fails with EPERM, as anything else does, and QEMU names it.
 * #syscalls:qemu-kvm ioctl int1=KVM_GET_API_VERSION,KVM_CHECK_EXTENSION
 * #syscalls:qemu-kvm ioctl int1=KVM_CREATE_VM,KVM_GET_VCPU_MMAP_SIZE
 * #syscalls:qemu-kvm ioctl int1=KVM_GET_SUPPORTED_CPUID,KVM_GET_MSR_INDEX_LIST
 * #syscalls:qemu-kvm ioctl int1=KVM_GET_MSR_FEATURE_INDEX_LIST
 * #syscalls:qemu-kvm ioctl int1=KVM_X86_GET_MCE_CAP_SUPPORTED
 * #syscalls:qemu-kvm ioctl int1=KVM_GET_DEVICE_ATTR,KVM_HAS_DEVICE_ATTR
 *
 * Of the machine.
 * #syscalls:qemu-kvm ioctl int1=KVM_CREATE_VCPU,KVM_ENABLE_CAP
 * #syscalls:qemu-kvm ioctl int1=KVM_SET_USER_MEMORY_REGION
 * #syscalls:qemu-kvm ioctl int1=KVM_GET_DIRTY_LOG,KVM_CLEAR_DIRTY_LOG
 * #syscalls:qemu-kvm ioctl int1=KVM_SET_TSS_ADDR,KVM_SET_IDENTITY_MAP_ADDR
 * #syscalls:qemu-kvm ioctl int1=KVM_CREATE_IRQCHIP,KVM_CREATE_PIT2
 * #syscalls:qemu-kvm ioctl int1=KVM_GET_IRQCHIP,KVM_SET_IRQCHIP
 * #syscalls:qemu-kvm ioctl int1=KVM_GET_PIT2,KVM_SET_PIT2,KVM_REINJECT_CONTROL
 * #syscalls:qemu-kvm ioctl int1=KVM_IRQ_LINE,KVM_IRQ_LINE_STATUS
 * #syscalls:qemu-kvm ioctl int1=KVM_SET_GSI_ROUTING,KVM_SIGNAL_MSI,KVM_IRQFD
 * #syscalls:qemu-kvm ioctl int1=KVM_IOEVENTFD,KVM_X86_SET_MSR_FILTER
 * #syscalls:qemu-kvm ioctl int1=KVM_REGISTER_COALESCED_MMIO
 * #syscalls:qemu-kvm ioctl int1=KVM_UNREGISTER_COALESCED_MMIO
 * #syscalls:qemu-kvm ioctl int1=KVM_GET_CLOCK,KVM_SET_CLOCK
 *
 * Of a processor.
 * #syscalls:qemu-kvm ioctl int1=KVM_RUN,KVM_INTERRUPT,KVM_NMI,KVM_SMI
 * #syscalls:qemu-kvm ioctl int1=KVM_GET_REGS,KVM_SET_REGS
 * #syscalls:qemu-kvm ioctl int1=KVM_GET_SREGS,KVM_SET_SREGS
 * #syscalls:qemu-kvm ioctl int1=KVM_GET_SREGS2,KVM_SET_SREGS2
 * #syscalls:qemu-kvm ioctl int1=KVM_GET_FPU,KVM_SET_FPU
 * #syscalls:qemu-kvm ioctl int1=KVM_GET_XSAVE,KVM_SET_XSAVE,KVM_GET_XSAVE2
 * #syscalls:qemu-kvm ioctl int1=KVM_GET_XCRS,KVM_SET_XCRS
 * #syscalls:qemu-kvm ioctl int1=KVM_GET_DEBUGREGS,KVM_SET_DEBUGREGS
 * #syscalls:qemu-kvm ioctl int1=KVM_GET_MSRS,KVM_SET_MSRS
 * #syscalls:qemu-kvm ioctl int1=KVM_GET_LAPIC,KVM_SET_LAPIC
 * #syscalls:qemu-kvm ioctl int1=KVM_TPR_ACCESS_REPORTING,KVM_SET_VAPIC_ADDR
 * #syscalls:qemu-kvm ioctl int1=KVM_GET_MP_STATE,KVM_SET_MP_STATE
 * #syscalls:qemu-kvm ioctl int1=KVM_GET_VCPU_EVENTS,KVM_SET_VCPU_EVENTS
 * #syscalls:qemu-kvm ioctl int1=KVM_SET_CPUID2,KVM_X86_SETUP_MCE
 * #syscalls:qemu-kvm ioctl int1=KVM_GET_TSC_KHZ,KVM_SET_TSC_KHZ
 * #syscalls:qemu-kvm ioctl int1=KVM_KVMCLOCK_CTRL,KVM_SET_SIGNAL_MASK
 * #syscalls:qemu-kvm ioctl int1=KVM_GET_NESTED_STATE,KVM_SET_NESTED_STATE
 */
#include "base/str.h"
#include "host/vmm/qemu.h"
#include "privsep/filters.h"

struct bpf_filter qemu_filter(const struct vm_spec *spec)
{
	if (spec->backend == VM_QEMU_KVM)
		return spec->start == VM_COLD ? BPF_FILTER(filter_qemu_kvm_cold)
					      : BPF_FILTER(filter_qemu_kvm);
	return spec->start == VM_COLD ? BPF_FILTER(filter_qemu_tcg_cold)
				      : BPF_FILTER(filter_qemu_tcg);
}

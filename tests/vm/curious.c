/*
 * curious: a static program that looks for everything it should not find. It
 * runs in the jail in QEMU's place and writes what it saw on fd 3, a line
 * each: "name=value". argv[1] is the pid of a process outside, or "wait": then
 * it does nothing until it is killed.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { OUT = 3, PATHS = 256, PATH_SIZE = 512 };

static char todo[PATHS][PATH_SIZE];
static int todo_n;

static void tell(const char *name, const char *value)
{
	dprintf(OUT, "%s=%s\n", name, value);
}

static void tell_errno(const char *name, long r)
{
	dprintf(OUT, "%s=%s\n", name, r < 0 ? strerrorname_np(errno) : "done");
}

static void visit(const char *dir, const struct dirent *e)
{
	char path[PATH_SIZE];
	struct stat st;

	if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
		return;
	(void)snprintf(path, sizeof(path), "%s%s%s", dir,
		       strcmp(dir, "/") == 0 ? "" : "/", e->d_name);
	if (lstat(path, &st) < 0)
		return;
	if (!S_ISDIR(st.st_mode))
		tell("file", path);
	else if (strcmp(path, "/proc") != 0 && todo_n < PATHS)
		(void)snprintf(todo[todo_n++], PATH_SIZE, "%s", path);
}

static void walk(void)
{
	int i;

	(void)snprintf(todo[todo_n++], PATH_SIZE, "/");
	for (i = 0; i < todo_n; i++) {
		DIR *d = opendir(todo[i]);
		struct dirent *e;

		tell("dir", todo[i]);
		while (d && (e = readdir(d)))
			visit(todo[i], e);
		if (d)
			(void)closedir(d);
	}
}

static void each_entry(const char *dir, const char *name)
{
	DIR *d = opendir(dir);
	struct dirent *e;

	if (!d) {
		tell_errno(name, -1);
		return;
	}
	while ((e = readdir(d)))
		if (e->d_name[0] >= '0' && e->d_name[0] <= '9' &&
		    strtol(e->d_name, NULL, 10) != dirfd(d))
			tell(name, e->d_name);
	(void)closedir(d);
}

static void each_line(const char *path, const char *name)
{
	FILE *f = fopen(path, "re");
	char line[512];

	if (!f) {
		tell_errno(name, -1);
		return;
	}
	while (fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = 0;
		tell(name, line);
	}
	(void)fclose(f);
}

static void try_files(const char *self)
{
	tell_errno("create", open("/new", O_WRONLY | O_CREAT, 0600));
	tell_errno("create_dev", open("/dev/new", O_WRONLY | O_CREAT, 0600));
	tell_errno("mkdir", mkdir("/dir", 0700));
	tell_errno("unlink", unlink(self));
	tell_errno("chmod", chmod(self, 0777));
	tell_errno("open_self_rw", open(self, O_RDWR));
	tell_errno("mknod", mknod("/null", S_IFCHR | 0666, 0x103));
	tell_errno("oom", open("/proc/self/oom_score_adj", O_WRONLY));
	tell_errno("parent_dir", chdir("../../../.."));
	tell_errno("etc", open("/etc/passwd", O_RDONLY));
}

static void try_rights(void)
{
	tell_errno("mount", mount("x", "/dev", "tmpfs", 0, NULL));
	tell_errno("remount",
		   mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND, NULL));
	tell_errno("umount", umount2("/proc", MNT_DETACH));
	tell_errno("setuid", setuid(0));
	tell_errno("chroot", chroot("/"));
	tell_errno("sethostname", sethostname("x", 1));
	tell_errno("bpf", syscall(SYS_bpf, 0, NULL, 0));
	tell_errno("setns", setns(OUT, 0));
}

static void try_network(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(1) };
	struct ifreq ifr = { .ifr_name = "lo" };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	tell_errno("socket", fd);
	if (fd < 0)
		return;
	tell_errno("if_flags", ioctl(fd, SIOCGIFFLAGS, &ifr));
	tell("lo_up", ifr.ifr_flags & IFF_UP ? "yes" : "no");
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	tell_errno("to_loopback",
		   connect(fd, (const struct sockaddr *)&a, sizeof(a)));
	a.sin_addr.s_addr = htonl(0xc0000201); /* 192.0.2.1, documentation */
	tell_errno("to_world",
		   connect(fd, (const struct sockaddr *)&a, sizeof(a)));
}

static void try_processes(pid_t outside, char **envp)
{
	pid_t pid;

	dprintf(OUT, "getpid=%d\ngetppid=%d\n", getpid(), getppid());
	tell_errno("kill", kill(outside, 0));
	tell_errno("ptrace", ptrace(PTRACE_ATTACH, outside, 0, 0));
	tell_errno("pidfd_open", syscall(SYS_pidfd_open, outside, 0));
	tell_errno("exec", execve("/bin/sh", envp, envp));
	pid = (pid_t)syscall(SYS_fork);
	if (pid == 0)
		_exit(0);
	tell_errno("fork", pid);
	if (pid > 0)
		(void)waitpid(pid, NULL, 0);
}

static void limits(void)
{
	static const struct {
		const char *name;
		int what;
	} rows[] = { { "limit_core", RLIMIT_CORE },
		     { "limit_files", RLIMIT_NOFILE },
		     { "limit_fsize", RLIMIT_FSIZE },
		     { "limit_nproc", RLIMIT_NPROC },
		     { "limit_cpu", RLIMIT_CPU } };
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rlimit l = { 0 };

		(void)getrlimit((__rlimit_resource_t)rows[i].what, &l);
		dprintf(OUT, "%s=%llu\n", rows[i].name,
			(unsigned long long)l.rlim_max);
	}
}

int main(int argc, char **argv, char **envp)
{
	if (argc != 2)
		return 2;
	if (strcmp(argv[1], "wait") == 0)
		return pause();
	walk();
	each_entry("/proc", "pid");
	each_entry("/proc/self/fd", "fd");
	each_line("/proc/self/status", "status");
	each_line("/proc/self/uid_map", "uid_map");
	each_line("/proc/self/net/dev", "net");
	limits();
	dprintf(OUT, "uid=%u\ngid=%u\n", getuid(), getgid());
	tell("env", envp[0] ? envp[0] : "empty");
	try_files(argv[0]);
	try_rights();
	try_network();
	try_processes((pid_t)strtol(argv[1], NULL, 10), envp);
	tell_errno("unshare", unshare(CLONE_NEWUSER));
	tell("end", "yes");
	return 7;
}

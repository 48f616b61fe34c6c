/* SPDX-License-Identifier: MIT */
/* Real slots, real programs. Needs root. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/unit.h"
#include "sandbox/slot_launch.h"
#include "sandbox/spec_reader.h"

static struct launched r;
static const char *const no_env[] = { NULL };

static void run_spec(struct launch *l)
{
	if (!l->spec.env)
		l->spec.env = no_env;
	launch(l, &r);
}

static void run_argv(const char *const *argv)
{
	struct launch l = { .spec.argv = argv };

	run_spec(&l);
}

static void run_sh(const char *command)
{
	run_argv((const char *const[]){ "bash", "-c", command, NULL });
}

static void assert_exit(int status)
{
	assert_int_equal(r.ready.type, SLOT_READY);
	assert_int_equal(r.ended.type, SLOT_ENDED);
	if (!WIFEXITED(r.ended.wait_status) || WEXITSTATUS(r.ended.wait_status) != status)
		print_error("%s %s\nstdout: %s\nstderr: %s\n", r.broken.step, strerror(r.broken.error), r.out,
			    r.err);
	assert_true(WIFEXITED(r.ended.wait_status));
	assert_int_equal(WEXITSTATUS(r.ended.wait_status), status);
}

static void assert_sh(const char *command, const char *out)
{
	run_sh(command);
	assert_exit(0);
	assert_string_equal(r.out, out);
}

/* Compiles in one slot, runs what was collected in another. */
static void run_c(const char *code)
{
	struct spec_file file = { .name = "main.c", .data = code, .len = strlen(code) };
	struct launch compile = {
		.spec = { .argv = (const char *const[]){ "gcc", "-O1", "-pthread", "-o", "main", "main.c",
							 NULL },
			  .files = &file,
			  .n_files = 1,
			  .collect = (const char *const[]){ "main", NULL } },
		.collect = { .max_bytes = 10 << 20, .max_files = 5 },
	};
	struct launch use = { .spec.argv = (const char *const[]){ "./main", NULL } };

	run_spec(&compile);
	assert_exit(0);
	assert_int_equal(r.ended.artifacts, 1);
	use.artifacts = r.artifacts;
	assert_true(spec_is_sealed(use.artifacts));
	run_spec(&use);
	close(use.artifacts);
}

TEST(python_says_hello)
{
	const char *code = "print('hello')\n";
	struct spec_file file = { .name = "main.py", .data = code, .len = strlen(code) };
	struct launch l = { .spec = { .argv = (const char *const[]){ "python3", "main.py", NULL },
				      .files = &file,
				      .n_files = 1 } };

	run_spec(&l);
	assert_exit(0);
	assert_string_equal(r.out, "hello\n");
	assert_string_equal(r.err, "");
}

TEST(node_and_gpp_work)
{
	run_argv((const char *const[]){ "node", "-e", "console.log(6*7, require('os').cpus().length > 0)",
					NULL });
	assert_exit(0);
	assert_string_equal(r.out, "42 true\n");
	assert_sh("printf '#include <iostream>\\nint main(){std::cout<<7;}' > a.cpp && g++ a.cpp && ./a.out",
		  "7");
}

TEST(exit_codes_and_signals_are_exact)
{
	run_sh("exit 37");
	assert_exit(37);
	run_sh("kill -SEGV $$");
	assert_true(WIFSIGNALED(r.ended.wait_status));
	assert_int_equal(WTERMSIG(r.ended.wait_status), SIGSEGV);
	run_sh("kill -KILL $$");
	assert_int_equal(WTERMSIG(r.ended.wait_status), SIGKILL);
	/* Orphans that end before and after the main process do not count. */
	run_sh("(bash -c 'sleep 0.05; exit 9' & ) ; (sleep 100 &) ; (exit 5 &) ; sleep 0.1; exit 3");
	assert_exit(3);
	assert_true(r.ended.ended_mono_ns > 0);
}

TEST(streams_are_separate_and_stdin_is_what_was_sent)
{
	struct launch l = { .spec.argv = (const char *const[]){ "bash", "-c", "cat; echo bad >&2", NULL },
			    .input = "from outside\n" };

	run_spec(&l);
	assert_exit(0);
	assert_string_equal(r.out, "from outside\n");
	assert_string_equal(r.err, "bad\n");
	assert_sh("wc -c; cat /dev/stdin", "0\n");
	assert_sh("echo a > /dev/stdout; echo b > /dev/stderr", "a\n");
	assert_string_equal(r.err, "b\n");
	run_sh("cat /proc/self/fd/1");
	assert_exit(1); /* a program cannot read its own output pipe back */
}

TEST(stdin_cannot_be_changed_by_the_program)
{
	struct launch l = { .spec.argv =
				    (const char *const[]){
					    "python3", "-c",
					    "import os\n"
					    "try:\n os.write(os.open('/proc/self/fd/0', os.O_RDWR), b'x')\n"
					    "except OSError as e: print(e.errno)\n"
					    "try:\n os.ftruncate(os.open('/dev/stdin', os.O_RDWR), 0)\n"
					    "except OSError as e: print(e.errno)",
					    NULL },
			    .input = "data" };

	run_spec(&l);
	assert_exit(0);
	assert_string_equal(r.out, "1\n1\n");
}

TEST(files_are_unpacked_with_their_modes)
{
	struct spec_file files[] = {
		{ .name = "deep/er/data.bin", .data = "\0\1", .len = 2 },
		{ .name = "deep/run", .data = "#!/bin/sh\necho ran\n", .len = 19, .executable = true },
		{ .name = "empty", .data = "", .len = 0 },
	};
	struct launch l = {
		.spec = { .argv = (const char *const[]){ "bash", "-c",
							 "find . -type f -printf '%P %s %m %U\\n' | sort;"
							 " deep/run; id -u",
							 NULL },
			  .files = files,
			  .n_files = 3 }
	};

	run_spec(&l);
	assert_exit(0);
	assert_string_equal(r.out, "deep/er/data.bin 2 644 1879048449\n"
				   "deep/run 19 755 1879048449\n"
				   "empty 0 644 1879048449\n"
				   "ran\n1879048449\n");
}

TEST(a_name_that_comes_twice_is_refused)
{
	struct spec_file files[] = { { .name = "a", .data = "1", .len = 1 },
				     { .name = "a", .data = "2", .len = 1 } };
	struct launch l = {
		.spec = { .argv = (const char *const[]){ "true", NULL }, .files = files, .n_files = 2 }
	};

	run_spec(&l);
	assert_int_equal(r.broken.type, SLOT_EXEC_FAILED);
	assert_int_equal(r.broken.error, EEXIST);
	assert_exit(127);
}

TEST(files_larger_than_the_box_are_told)
{
	static char data[200000];
	struct spec_file file = { .name = "big", .data = data, .len = sizeof(data) };
	struct launch l = {
		.spec = { .argv = (const char *const[]){ "true", NULL }, .files = &file, .n_files = 1 },
		.disk_bytes = 65536
	};

	run_spec(&l);
	assert_int_equal(r.broken.type, SLOT_EXEC_FAILED);
	assert_int_equal(r.broken.error, ENOSPC);
	l.resize_bytes = 1 << 20;
	run_spec(&l);
	assert_exit(0);
}

TEST(the_smallest_box_has_room_for_one_byte)
{
	struct launch l = {
		.spec.argv = (const char *const[]){ "bash", "-c",
						    "printf x > a && cat a && head -c 5000 /etc/passwd "
						    "/proc/self/exe > b",
						    NULL },
		.disk_bytes = 1 << 20,
		.resize_bytes = 1,
	};

	run_spec(&l);
	assert_exit(1);
	assert_string_equal(r.out, "x");
	assert_non_null(strstr(r.err, "No space left on device"));
}

TEST(a_missing_program_is_told)
{
	run_argv((const char *const[]){ "no-such-program", NULL });
	assert_int_equal(r.broken.type, SLOT_EXEC_FAILED);
	assert_int_equal(r.broken.error, ENOENT);
	assert_string_equal(r.broken.step, "execve");
	run_argv((const char *const[]){ "/etc/passwd", NULL });
	assert_int_equal(r.broken.error, EACCES);
}

TEST(compiled_code_passes_as_a_file_set)
{
	run_c("#include <stdio.h>\nint main(void){puts(\"compiled\");return 4;}");
	assert_exit(4);
	assert_string_equal(r.out, "compiled\n");
}

TEST(nothing_is_collected_after_a_failure_or_over_the_caps)
{
	struct launch l = { .spec = { .argv = (const char *const[]){ "bash", "-c", "echo x > out; exit 1",
								     NULL },
				      .collect = (const char *const[]){ "out", NULL } },
			    .collect = { .max_bytes = 100, .max_files = 5 } };

	run_spec(&l);
	assert_exit(1);
	assert_int_equal(r.ended.artifacts, 0);
	l.spec.argv = (const char *const[]){ "bash", "-c", "head -c 101 /dev/zero > out", NULL };
	run_spec(&l);
	assert_exit(0);
	assert_int_equal(r.ended.artifacts, 0);
	assert_int_equal(r.ended.error, EFBIG);
	assert_string_equal(r.ended.step, "collect: the files are too large");
}

/* Files that only the program itself may read are its own all the same; what lies outside stays there. */
TEST(collecting_reads_private_files_and_follows_nothing)
{
	static struct spec_view set;
	struct launch l = {
		.spec = { .argv =
				  (const char *const[]){
					  "bash", "-c",
					  "mkdir -m 700 out; umask 077; echo mine > out/mine;"
					  "ln -s /etc/hosts out/link; mkfifo out/fifo; mkdir out/dir;"
					  "ln /box/out/mine out/hard; truncate -s 10G sparse;"
					  "exec 9> out/held; (sleep 100 &)",
					  NULL },
			  .collect = (const char *const[]){ "out/**", NULL } },
		.collect = { .max_bytes = 100, .max_files = 5 },
	};

	l.file_bytes = (int64_t)100 << 30;
	run_spec(&l);
	assert_exit(0);
	assert_int_equal(r.ended.artifacts, 1);
	assert_int_equal(spec_view_load(&set, r.artifacts, SPEC_SET_MAGIC), 0);
	assert_int_equal(set.head.n_files, 3); /* mine, hard, held */
	assert_int_equal(set.head.size - set.head.meta_len, 10);
	spec_view_done(&set);
	close(r.artifacts);
}

TEST(the_program_has_no_privilege_left)
{
	assert_sh("grep -E '^(Cap|NoNewPrivs|Seccomp:|Groups)' /proc/self/status | tr -s '\\t ' ' '",
		  "Groups: \n"
		  "CapInh: 0000000000000000\nCapPrm: 0000000000000000\nCapEff: 0000000000000000\n"
		  "CapBnd: 0000000000000000\nCapAmb: 0000000000000000\nNoNewPrivs: 1\nSeccomp: 2\n");
	assert_sh("id -u; id -g; id -un; echo ~", "1879048449\n1879048449\nrunner\n/box\n");
}

TEST(limits_are_as_documented)
{
	struct launch l = { .spec.argv = (const char *const[]){ "bash", "-c", "exec head -c 2M /dev/zero > x",
								NULL } };

	assert_sh("ulimit -n; ulimit -Hn; ulimit -c; ulimit -l; ulimit -f; ulimit -t; ulimit -s; ulimit -r",
		  "1024\n1024\n0\n64\n65536\n60\n65536\n0\n");
	assert_sh("python3 -c \"import resource as x; print(x.getrlimit(x.RLIMIT_CORE))\"", "(1, 1)\n");
	assert_sh("ulimit -c 0; python3 -c \"import resource as x; print(x.getrlimit(x.RLIMIT_CORE))\"",
		  "(1, 1)\n");
	l.file_bytes = 1 << 20;
	run_spec(&l);
	assert_int_equal(WTERMSIG(r.ended.wait_status), SIGXFSZ);
}

TEST(descriptors_environment_and_working_directory_are_ours)
{
	struct launch l = { .spec = { .argv = (const char *const[]){ "env", NULL },
				      .env = (const char *const[]){ "LANG=xx", "MINE=1", "MINE=2", NULL } } };

	run_spec(&l);
	assert_exit(0);
	assert_string_equal(r.out, "HOME=/box\nTMPDIR=/tmp\nPATH=/usr/local/bin:/usr/bin:/bin\nLANG=xx\n"
				   "ASAN_OPTIONS=detect_leaks=0\nMINE=2\n");
	assert_sh("echo /proc/$$/fd/*; pwd; readlink /proc/self/cwd; umask; cat /proc/self/oom_score_adj",
		  "/proc/2/fd/0 /proc/2/fd/1 /proc/2/fd/2 /proc/2/fd/3\n/box\n/box\n0022\n1000\n");
	assert_sh("exec python3 -c \"import os; print(sorted(os.listdir('/proc/self/fd')))\"",
		  "['0', '1', '2', '3']\n"); /* 3 is the listing itself */
	assert_sh("grep -E '^Sig(Blk|Ign)' /proc/self/status | tr -s '\\t' ' '",
		  "SigBlk: 0000000000000000\nSigIgn: 0000000000000000\n");
}

TEST(only_three_places_are_writable)
{
	assert_sh("for f in / /usr /usr/bin /etc /dev /run /run/slot /run/slot/box /var /proc/sys/kernel "
		  "/proc; do "
		  "touch $f/x 2>/dev/null && echo $f; done; "
		  "for f in /box /tmp /dev/shm /var/tmp; do touch $f/x || echo no $f; done",
		  "");
	assert_sh("touch /dev/null && chmod 777 /dev/null || echo > /dev/null; echo $?", "0\n");
	assert_sh("for f in /sys /root /home /boot /dev/tty /dev/ptmx /dev/mem /dev/kvm /run/docker.sock "
		  "/etc/shadow /etc/ssl/private /proc/1/cmdline; do test -e $f && echo $f; done; true",
		  "");
	assert_sh("cat /proc/kcore /proc/kallsyms /proc/keys /proc/timer_list /proc/interrupts 2>/dev/null; "
		  "true",
		  "");
	assert_sh("grep -vc ' ro,' /proc/self/mounts", "4\n"); /* box, tmp, shm, proc */
}

TEST(the_box_is_one_limited_file_system)
{
	struct launch l = {
		.spec.argv =
			(const char *const[]){
				"bash", "-c",
				"head -c 700K /dev/zero > /tmp/a; head -c 700K /dev/zero > /dev/shm/b;"
				"rm /tmp/a /dev/shm/b;"
				"for i in {1..3000}; do : > $i || break; done; ls | wc -l",
				NULL },
		.disk_bytes = 1 << 20,
	};

	run_spec(&l);
	assert_exit(0);
	assert_non_null(strstr(r.err, "No space left on device"));
	assert_true(strtol(r.out, NULL, 10) < 1024);
}

TEST(namespaces_are_its_own)
{
	assert_sh("hostname; cat /proc/self/cgroup | grep -v ':/$' | grep -v '/\\.\\.' ; "
		  "ls /proc | grep -E '^[0-9]+$' | head -1; python3 -c '\n"
		  "import socket\n"
		  "s=socket.create_server((\"127.0.0.1\",0)); c=socket.create_connection(s.getsockname())\n"
		  "print(socket.gethostbyname(\"localhost\"), "
		  "open(\"/proc/net/dev\").read().split()[-17].rstrip(\":\"))\n"
		  "try: socket.create_connection((\"192.0.2.1\",80),1)\n"
		  "except OSError as e: print(e.errno)'",
		  "codecrusher\n2\n127.0.0.1 lo\n101\n");
}

TEST(the_program_cannot_touch_init)
{
	run_c("#include <errno.h>\n#include <signal.h>\n#include <stdio.h>\n#include <unistd.h>\n#include "
	      "<fcntl.h>\n"
	      "#include <sys/syscall.h>\n#include <sys/ptrace.h>\n"
	      "int main(void){int bad=0;\n"
	      "for(int s=1;s<65;s++) if(kill(1,s)==0||errno!=EPERM) bad++;\n"
	      "if(ptrace(PTRACE_ATTACH,1,0,0)==0||errno!=EPERM) bad+=100;\n"
	      "int p=(int)syscall(SYS_pidfd_open,1,0);\n"
	      "if(p>=0&&syscall(SYS_pidfd_send_signal,p,9,0,0)==0) bad+=1000;\n"
	      "if(p>=0&&syscall(SYS_pidfd_getfd,p,0,0)>=0) bad+=10000;\n"
	      "kill(-1,SIGTERM);\n" /* all but ourselves: nobody */
	      "if(open(\"/proc/1/mem\",O_RDONLY)>=0||open(\"/proc/1/fd\",O_RDONLY)>=0) bad+=100000;\n"
	      "printf(\"%d\\n\",bad);return 0;}");
	assert_exit(0);
	assert_string_equal(r.out, "0\n");
}

TEST(calls_are_refused_as_the_profile_says)
{
	run_c("#define _GNU_SOURCE\n#include <errno.h>\n#include <stdio.h>\n#include <unistd.h>\n#include "
	      "<sched.h>\n#include "
	      "<fcntl.h>\n"
	      "#include <sys/syscall.h>\n#include <sys/socket.h>\n#include <sys/prctl.h>\n"
	      "#include <sys/resource.h>\n#include <sys/personality.h>\n"
	      "#define T(e,...) do{long v=syscall(__VA_ARGS__);int got=v<0?errno:0;"
	      "if(got!=(e)){printf(\"%s: %d\\n\",#__VA_ARGS__,got);}else n++;}while(0)\n"
	      "int main(void){int n=0;struct rlimit lim={0,0};\n"
	      "T(ENOSYS,SYS_clone3,0,0);T(ENOSYS,SYS_io_uring_setup,1,0);T(ENOSYS,SYS_splice,0,0,1,0,1,0);\n"
	      "T(ENOSYS,SYS_add_key,\"user\",\"a\",\"b\",1,-3);T(ENOSYS,SYS_keyctl,0,-3,0);T(ENOSYS,SYS_io_"
	      "setup,1,0);\n"
	      "T(ENOSYS,SYS_memfd_secret,0);T(ENOSYS,9999);\n"
	      "T(EPERM,SYS_mount,0,0,0,0,0);T(EPERM,SYS_unshare,0);T(EPERM,SYS_setns,0,0);T(EPERM,SYS_bpf,0,"
	      "0,0);\n"
	      "T(EPERM,SYS_ptrace,0,0,0,0);T(EPERM,SYS_perf_event_open,0,0,0,0,0);T(EPERM,SYS_userfaultfd,1);"
	      "\n"
	      "T(EPERM,SYS_open_tree,0,\"\",0);T(EPERM,SYS_fsopen,\"tmpfs\",0);T(EPERM,SYS_chroot,\"/\");\n"
	      "T(EPERM,SYS_clone,CLONE_NEWUSER|17,0,0,0,0);T(EPERM,SYS_clone,0x100000000L|CLONE_NEWUSER|17,0,"
	      "0,0,0);\n"
	      "T(EAFNOSUPPORT,SYS_socket,38,5,0);T(EAFNOSUPPORT,SYS_socket,0x100000026L,5,0);\n"
	      "T(EAFNOSUPPORT,SYS_socket,40,1,0);T(EAFNOSUPPORT,SYS_socket,17,3,0);T(EAFNOSUPPORT,SYS_socket,"
	      "16,3,12);\n"
	      "T(EAFNOSUPPORT,SYS_socket,16,3,0);T(0,SYS_socket,2,1,0);T(0,SYS_socket,10,2,0);T(0,SYS_socket,"
	      "1,1,0);\n"
	      "T(0,SYS_socket,0x100000001L,1,0);\n"
	      "T(EPERM,SYS_ioctl,0,0x5412,\"x\");T(EPERM,SYS_ioctl,0,0x100005412L,\"x\");T(ENOTTY,SYS_ioctl,"
	      "0,0x5401,0);\n"
	      "T(EPERM,SYS_fcntl,1,F_SETLEASE,0);T(EPERM,SYS_fcntl,1,F_NOTIFY,0);T(0,SYS_fcntl,1,F_GETFD,0);"
	      "\n"
	      "T(EPERM,SYS_prctl,35,1,0,0,0);T(0,SYS_prctl,15,\"name\",0,0,0);\n"
	      "T(0,SYS_setrlimit,RLIMIT_CORE,&lim);T(0,SYS_prlimit64,0,RLIMIT_CORE,&lim,0);\n"
	      "T(0,SYS_prlimit64,0,RLIMIT_CORE,0,&lim);T(0,SYS_prlimit64,0,RLIMIT_NOFILE,0,&lim);\n"
	      "T(0,SYS_personality,0xffffffffL);T(0,SYS_personality,0);T(EPERM,SYS_personality,0x40000);\n"
	      "T(EINVAL,SYS_memfd_create,\"a\",4);T(EPERM,SYS_setuid,0);T(EPERM,SYS_setgid,0);\n"
	      "T(EPERM,SYS_mknod,\"/box/n\",020666,0x103);T(EPERM,SYS_prctl,24,0,0,0,0);\n"
	      "printf(\"%d\\n\",n);return 0;}");
	assert_exit(0);
	assert_string_equal(r.out, "50\n");
}

#ifdef __x86_64__
TEST(foreign_call_numbers_kill)
{
	run_c("int main(void){int r;__asm__ volatile(\"int $0x80\":\"=a\"(r):\"a\"(20):\"memory\");return "
	      "0;}");
	assert_true(WIFSIGNALED(r.ended.wait_status));
	assert_int_equal(WTERMSIG(r.ended.wait_status), SIGSYS);
	/* x32: the numbers above this bit. */
	run_c("#include <unistd.h>\nint main(void){syscall(0x40000000 + 39);return 0;}");
	assert_int_equal(WTERMSIG(r.ended.wait_status), SIGSYS);
}
#endif

TEST(threads_processes_and_shared_memory_work)
{
	assert_sh("python3 -c '\n"
		  "import threading, subprocess, multiprocessing as m, tempfile, shutil\n"
		  "from multiprocessing import shared_memory\n"
		  "def f(q): q.put(7)\n"
		  "t=threading.Thread(target=print, args=(1,)); t.start(); t.join()\n"
		  "print(subprocess.run([\"echo\",\"2\"],capture_output=True).stdout)\n"
		  "q=m.Queue(); p=m.Process(target=f,args=(q,)); p.start(); print(q.get()); p.join()\n"
		  "s=shared_memory.SharedMemory(create=True,size=100); s.close(); s.unlink()\n"
		  "shutil.copyfile(\"/etc/hosts\", tempfile.mktemp())\n"
		  "import pwd, os; print(pwd.getpwuid(os.getuid()).pw_dir)'",
		  "1\nb'2\\n'\n7\n/box\n");
	assert_sh("diff <(echo a) <(echo a) && seq 100000 | sort -rn | head -1", "100000\n");
}

TEST(a_slot_whose_spawner_goes_away_ends)
{
	struct launch l = { .spec.argv = (const char *const[]){ "sleep", "1000", NULL }, .abandon = true };

	run_spec(&l); /* returns only when all processes are gone */
	assert_int_equal(r.ready.type, SLOT_READY);
	assert_int_equal(r.ended.type, 0);
}

TEST(a_directory_can_be_the_root)
{
	char root[] = "/tmp/slot-test-root-XXXXXX";
	char command[512];
	struct launch l = { .rootfs = root };

	assert_non_null(mkdtemp(root));
	assert_int_equal(chmod(root, 0755), 0);
	/* A busybox-like root out of the host's own shell and libraries. */
	snprintf(command, sizeof(command),
		 "cd %s && mkdir -p usr/bin etc root/secret proc opt && for f in /bin/bash /bin/ls /bin/cat; "
		 "do "
		 "cp $f usr/bin/; for l in $(ldd $f | grep -o '/[^ ]*'); do mkdir -p .$(dirname $l); "
		 "cp -L $l .$l; done; done; ln -s usr/bin bin; echo theirs > etc/marker; "
		 "echo secret > etc/shadow; ln -s /etc/hosts etc/alias",
		 root);
	assert_int_equal(launch_prepare(command), 0);
	l.spec.argv =
		(const char *const[]){ "bash", "-c",
				       "cat /etc/marker /etc/alias; ls /etc; ls -d /root /usr/bin /opt; "
				       "echo > /opt/x",
				       NULL };
	run_spec(&l);
	snprintf(command, sizeof(command), "rm -r %s", root);
	assert_int_equal(launch_prepare(command), 0);
	assert_exit(1);
	assert_string_equal(r.out, "theirs\n127.0.0.1\tlocalhost codecrusher\n::1\tlocalhost\n"
				   "alias\ngroup\nhosts\nmarker\nnsswitch.conf\npasswd\n/opt\n/usr/bin\n");
	assert_non_null(strstr(r.err, "Read-only file system"));
}

UNIT_MAIN(T(python_says_hello), T(node_and_gpp_work), T(exit_codes_and_signals_are_exact),
	  T(streams_are_separate_and_stdin_is_what_was_sent), T(stdin_cannot_be_changed_by_the_program),
	  T(files_are_unpacked_with_their_modes), T(a_name_that_comes_twice_is_refused),
	  T(files_larger_than_the_box_are_told), T(the_smallest_box_has_room_for_one_byte),
	  T(a_missing_program_is_told), T(compiled_code_passes_as_a_file_set),
	  T(nothing_is_collected_after_a_failure_or_over_the_caps),
	  T(collecting_reads_private_files_and_follows_nothing), T(the_program_has_no_privilege_left),
	  T(limits_are_as_documented), T(descriptors_environment_and_working_directory_are_ours),
	  T(only_three_places_are_writable), T(the_box_is_one_limited_file_system), T(namespaces_are_its_own),
	  T(the_program_cannot_touch_init), T(calls_are_refused_as_the_profile_says),
#ifdef __x86_64__
	  T(foreign_call_numbers_kill),
#endif
	  T(threads_processes_and_shared_memory_work), T(a_slot_whose_spawner_goes_away_ends),
	  T(a_directory_can_be_the_root))

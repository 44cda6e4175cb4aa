#!/bin/sh
# Goal of this test: the limits of VMs hold with cgroup version 2, as root and in
# a group that was delegated to a user, as systemd delegates one.
# usage: cgroups.sh live|mail        (as root in L1, see l1.py)
set -eu
top=/sys/fs/cgroup
scope=$top/slice/scope-$1

# The rest of the command as the user, in a group of its own.
delegated() {
	echo "+memory +pids +cpu" >$top/cgroup.subtree_control
	mkdir -p $scope
	echo "+memory +pids +cpu" >$top/slice/cgroup.subtree_control
	for f in . cgroup.procs cgroup.subtree_control cgroup.threads; do
		chown user: $scope/$f
	done
	sh -c "echo 0 >$scope/cgroup.procs &&
		exec su -p -s /bin/sh user -c 'exec $*'"
	find $scope -name 'bulkhead-*' | grep . && exit 1
	echo "ok: no group is left"
}

case $1 in
live)
	/build/src/vm/cgroup_live_test | tee /tmp/live
	grep -q 'cgroup v2: memory, pids, cpu' /tmp/live
	find $top -name 'bulkhead-*' | grep . && exit 1
	delegated /build/src/vm/cgroup_live_test
	;;
mail)
	delegated env HOME=/home/user python3 /src/tests/system/one_mail.py v2
	;;
esac

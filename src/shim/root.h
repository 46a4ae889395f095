#pragma once

namespace chrysalis::shim {

// Replaces the root of this process, in a mount namespace that it must have
// to itself, by a read-only tmpfs that holds
//   /run/chrysalis/vm   the working directory, bound
//   /dev/{kvm,net/tun,userfaultfd,urandom,null}   those the host has
//   /lib, /lib64, /usr/lib, /usr/lib64            the host's, read-only
// and nothing else: no /proc, no /sys. Mounts are slaves of the host's: an
// unmount there is not held up here, and nothing from here shows there.
//
// keep_old_root: enter by move and chroot, as is necessary where the host's
// root is the initramfs; else the host's tree is pivoted away and let go.
//
// Returns null, or the step that failed, with errno. After a failure the
// process must exit: its tree is half made.
const char* enter_root(unsigned uid, bool keep_old_root);

}  // namespace chrysalis::shim

package io.netpark.core.testing.fault;

import static java.util.Map.entry;

import io.netpark.core.sys.Errno;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What the manual pages let calls fail with, as far as it may come of itself: not what only a wrong argument or a wrong moment brings.
 * Calls by the names of their methods.
 */
public final class Failures {

    /** In the place of an errno: there is no memory for the call itself, and it throws an OutOfMemoryError. */
    public static final int NO_MEMORY = 0;

    /** A descriptor that could not be closed would be lost by the test, and a loop that is not woken never ends. */
    private static final Set<String> NEVER_WITHOUT_MEMORY = Set.of("close", "write");

    private static final Map<String, List<Integer>> OF_CALLS = Map.ofEntries(
            entry("socket", List.of(Errno.EMFILE, Errno.ENFILE, Errno.ENOBUFS, Errno.ENOMEM, Errno.EACCES)),
            entry("socketpair", List.of(Errno.EMFILE, Errno.ENFILE)),
            entry("bind", List.of(Errno.EADDRINUSE, Errno.EACCES, Errno.EADDRNOTAVAIL)),
            entry("listen", List.of(Errno.EADDRINUSE)),
            entry("connect", List.of(Errno.EINTR, Errno.EADDRNOTAVAIL, Errno.ECONNREFUSED, Errno.ENETUNREACH, Errno.EHOSTUNREACH,
                    Errno.ETIMEDOUT, Errno.EACCES)),
            entry("accept4", List.of(Errno.EINTR, Errno.ECONNABORTED, Errno.EPROTO, Errno.ENETDOWN, Errno.EHOSTUNREACH, Errno.EMFILE,
                    Errno.ENFILE, Errno.ENOBUFS, Errno.ENOMEM)),
            entry("getsockname", List.of(Errno.ENOBUFS)),
            entry("getpeername", List.of(Errno.ENOBUFS)),
            entry("getsockopt", List.of(Errno.ENOPROTOOPT)),
            entry("setsockopt", List.of(Errno.ENOPROTOOPT, Errno.ENOMEM)),
            entry("recv", List.of(Errno.EINTR, Errno.ECONNRESET, Errno.ETIMEDOUT, Errno.EHOSTUNREACH, Errno.ENOMEM)),
            entry("recvmsg", List.of(Errno.EINTR, Errno.ECONNREFUSED, Errno.ENOMEM)),
            entry("recvmmsg", List.of(Errno.EINTR, Errno.ECONNREFUSED, Errno.ENOMEM)),
            entry("readv", List.of(Errno.EINTR, Errno.ECONNRESET, Errno.ENOMEM)),
            entry("send", List.of(Errno.EINTR, Errno.ECONNRESET, Errno.EPIPE, Errno.ETIMEDOUT, Errno.ENOBUFS, Errno.ENOMEM)),
            entry("sendmsg", List.of(Errno.EINTR, Errno.ECONNRESET, Errno.EPIPE, Errno.ENOBUFS, Errno.ENOMEM)),
            entry("sendmmsg", List.of(Errno.EINTR, Errno.ECONNREFUSED, Errno.ENOBUFS, Errno.ENOMEM)),
            entry("sendfile", List.of(Errno.EINTR, Errno.EINVAL, Errno.EIO, Errno.ENOMEM, Errno.ECONNRESET, Errno.EPIPE)),
            entry("splice", List.of(Errno.EINTR, Errno.EINVAL, Errno.ENOMEM, Errno.ECONNRESET)),
            entry("open", List.of(Errno.EINTR, Errno.EMFILE, Errno.ENFILE, Errno.ENOMEM, Errno.EACCES, Errno.ENOENT)),
            entry("pread", List.of(Errno.EINTR, Errno.EIO)),
            entry("statx", List.of(Errno.ENOMEM, Errno.EACCES)),
            entry("unlink", List.of(Errno.EACCES, Errno.EIO)),
            entry("pipe2", List.of(Errno.EMFILE, Errno.ENFILE)),
            entry("fcntl", List.of(Errno.EMFILE)),
            entry("eventfd", List.of(Errno.EMFILE, Errno.ENFILE, Errno.ENODEV, Errno.ENOMEM)),
            entry("epollCreate", List.of(Errno.EMFILE, Errno.ENFILE, Errno.ENOMEM)),
            entry("epollCtl", List.of(Errno.ENOMEM, Errno.ENOSPC)),
            entry("epollWait", List.of(Errno.EINTR)),
            entry("epollPwait2", List.of(Errno.EINTR, Errno.ENOSYS, Errno.EPERM)),
            entry("poll", List.of(Errno.EINTR, Errno.ENOMEM)),
            entry("read", List.of(Errno.EINTR)),
            entry("write", List.of(Errno.EINTR)),
            entry("close", List.of(Errno.EINTR, Errno.EIO)));

    private Failures() {}

    /** The calls that may fail. */
    public static Set<String> calls() {
        return OF_CALLS.keySet();
    }

    /** What a call may fail with: errnos, and {@link #NO_MEMORY}. Nothing, if it does not fail. */
    public static List<Integer> of(String call) {
        if (call.equals(Calls.MEMORY)) {
            return List.of(NO_MEMORY);
        }
        List<Integer> errnos = OF_CALLS.getOrDefault(call, List.of());
        if (errnos.isEmpty() || NEVER_WITHOUT_MEMORY.contains(call)) {
            return errnos;
        }
        List<Integer> all = new ArrayList<>(errnos);
        all.add(NO_MEMORY);
        return all;
    }
}

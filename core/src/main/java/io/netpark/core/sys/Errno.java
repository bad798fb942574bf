package io.netpark.core.sys;

/**
 * errno values by name (asm-generic/errno-base.h and errno.h, shared by x86-64 and aarch64) and their texts as
 * strerror(3) gives them.
 */
public final class Errno {

    public static final int EPERM = 1;
    public static final int ENOENT = 2;
    public static final int EINTR = 4;
    public static final int EIO = 5;
    public static final int EBADF = 9;
    public static final int EAGAIN = 11;
    public static final int ENOMEM = 12;
    public static final int EACCES = 13;
    public static final int EFAULT = 14;
    public static final int EEXIST = 17;
    public static final int ENODEV = 19;
    public static final int EINVAL = 22;
    public static final int ENFILE = 23;
    public static final int EMFILE = 24;
    public static final int ENOSPC = 28;
    public static final int ESPIPE = 29;
    public static final int EPIPE = 32;
    public static final int ENAMETOOLONG = 36;
    public static final int ENOSYS = 38;
    public static final int ENOTSOCK = 88;
    public static final int EDESTADDRREQ = 89;
    public static final int EMSGSIZE = 90;
    public static final int EPROTOTYPE = 91;
    public static final int ENOPROTOOPT = 92;
    public static final int EPROTONOSUPPORT = 93;
    public static final int EOPNOTSUPP = 95;
    public static final int EAFNOSUPPORT = 97;
    public static final int EADDRINUSE = 98;
    public static final int EADDRNOTAVAIL = 99;
    public static final int ENETDOWN = 100;
    public static final int ENETUNREACH = 101;
    public static final int ENETRESET = 102;
    public static final int ECONNABORTED = 103;
    public static final int ECONNRESET = 104;
    public static final int ENOBUFS = 105;
    public static final int EISCONN = 106;
    public static final int ENOTCONN = 107;
    public static final int ESHUTDOWN = 108;
    public static final int ETOOMANYREFS = 109;
    public static final int ETIMEDOUT = 110;
    public static final int ECONNREFUSED = 111;
    public static final int EHOSTDOWN = 112;
    public static final int EHOSTUNREACH = 113;
    public static final int EALREADY = 114;
    public static final int EINPROGRESS = 115;
    public static final int EPROTO = 71;
    public static final int ECANCELED = 125;

    private static final String[] NAMES = new String[134];
    private static final String[] TEXTS = new String[134];

    static {
        name(EPERM, "EPERM", "Operation not permitted");
        name(ENOENT, "ENOENT", "No such file or directory");
        name(EINTR, "EINTR", "Interrupted system call");
        name(EIO, "EIO", "Input/output error");
        name(EBADF, "EBADF", "Bad file descriptor");
        name(EAGAIN, "EAGAIN", "Resource temporarily unavailable");
        name(ENOMEM, "ENOMEM", "Cannot allocate memory");
        name(EACCES, "EACCES", "Permission denied");
        name(EFAULT, "EFAULT", "Bad address");
        name(EEXIST, "EEXIST", "File exists");
        name(ENODEV, "ENODEV", "No such device");
        name(EINVAL, "EINVAL", "Invalid argument");
        name(ENFILE, "ENFILE", "Too many open files in system");
        name(EMFILE, "EMFILE", "Too many open files");
        name(ENOSPC, "ENOSPC", "No space left on device");
        name(ESPIPE, "ESPIPE", "Illegal seek");
        name(EPIPE, "EPIPE", "Broken pipe");
        name(ENAMETOOLONG, "ENAMETOOLONG", "File name too long");
        name(ENOSYS, "ENOSYS", "Function not implemented");
        name(ENOTSOCK, "ENOTSOCK", "Socket operation on non-socket");
        name(EDESTADDRREQ, "EDESTADDRREQ", "Destination address required");
        name(EMSGSIZE, "EMSGSIZE", "Message too long");
        name(EPROTOTYPE, "EPROTOTYPE", "Protocol wrong type for socket");
        name(ENOPROTOOPT, "ENOPROTOOPT", "Protocol not available");
        name(EPROTONOSUPPORT, "EPROTONOSUPPORT", "Protocol not supported");
        name(EOPNOTSUPP, "EOPNOTSUPP", "Operation not supported");
        name(EAFNOSUPPORT, "EAFNOSUPPORT", "Address family not supported by protocol");
        name(EADDRINUSE, "EADDRINUSE", "Address already in use");
        name(EADDRNOTAVAIL, "EADDRNOTAVAIL", "Cannot assign requested address");
        name(ENETDOWN, "ENETDOWN", "Network is down");
        name(ENETUNREACH, "ENETUNREACH", "Network is unreachable");
        name(ENETRESET, "ENETRESET", "Network dropped connection on reset");
        name(ECONNABORTED, "ECONNABORTED", "Software caused connection abort");
        name(ECONNRESET, "ECONNRESET", "Connection reset by peer");
        name(ENOBUFS, "ENOBUFS", "No buffer space available");
        name(EISCONN, "EISCONN", "Transport endpoint is already connected");
        name(ENOTCONN, "ENOTCONN", "Transport endpoint is not connected");
        name(ESHUTDOWN, "ESHUTDOWN", "Cannot send after transport endpoint shutdown");
        name(ETOOMANYREFS, "ETOOMANYREFS", "Too many references: cannot splice");
        name(ETIMEDOUT, "ETIMEDOUT", "Connection timed out");
        name(ECONNREFUSED, "ECONNREFUSED", "Connection refused");
        name(EHOSTDOWN, "EHOSTDOWN", "Host is down");
        name(EHOSTUNREACH, "EHOSTUNREACH", "No route to host");
        name(EALREADY, "EALREADY", "Operation already in progress");
        name(EINPROGRESS, "EINPROGRESS", "Operation now in progress");
        name(EPROTO, "EPROTO", "Protocol error");
        name(ECANCELED, "ECANCELED", "Operation canceled");
    }

    private Errno() {}

    private static void name(int errno, String name, String text) {
        NAMES[errno] = name;
        TEXTS[errno] = text;
    }

    /** Its name, such as {@code ECONNRESET}; {@code errno 999} for one this table does not hold. */
    public static String name(int errno) {
        return errno > 0 && errno < NAMES.length && NAMES[errno] != null ? NAMES[errno] : "errno " + errno;
    }

    /** Its name and text, such as {@code ECONNRESET (Connection reset by peer)}. */
    public static String describe(int errno) {
        return errno > 0 && errno < TEXTS.length && TEXTS[errno] != null
                ? NAMES[errno] + " (" + TEXTS[errno] + ")" : name(errno);
    }

    /**
     * Whether the result of a call that can be done without says that it is not to be had here: the kernel or the file does not
     * have it, or a filter of system calls (of a container, say) forbids it. Such filters answer EPERM or ENOSYS, as they like.
     *
     * @param result of a call: minus errno
     */
    public static boolean isNotHere(long result) {
        return result == -ENOSYS || result == -EPERM || result == -EOPNOTSUPP || result == -EINVAL;
    }

    /** Whether accept(2) failed for want of descriptors or memory: a state of the machine that passes. */
    public static boolean isExhaustion(int errno) {
        return errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM;
    }
}

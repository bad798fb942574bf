package io.netpark.simulation.contract

/** What a kernel may be said not to have. A test that needs it is skipped there, with the reason that the kind of kernel gives. */
enum class Feature {
    /** Folders, which are there or not. */
    FOLDERS,

    /** When files were modified. */
    FILE_TIMES,

    /** inotify(7). */
    FILE_EVENTS,

    /** Sockets of AF_INET6. */
    IPV6,

    /** MSG_ZEROCOPY and its notices. */
    ZERO_COPY,

    /** SCM_RIGHTS. */
    PASSED_DESCRIPTORS,

    /** What threads can be bound to. */
    PROCESSORS,
}

package io.netpark.samples.doctor

/** The settings to look at, with what they should be for [CONNECTIONS] connections. */
internal val sysctls: List<Sysctl> = listOf(
    Sysctl.atLeast("fs.file-max", 2 * CONNECTIONS, "open files of all processes together"),
    Sysctl.atLeast("fs.nr_open", DESCRIPTORS, "how high a process's limit of descriptors can be set"),
    Sysctl.atLeast("fs.epoll.max_user_watches", DESCRIPTORS, "descriptors that a user may have in epolls"),
    Sysctl.atLeast("net.core.somaxconn", BURST, "connections that wait to be accepted, a listener"),
    Sysctl.atLeast("net.ipv4.tcp_max_syn_backlog", BURST, "half-open connections, without SYN cookies"),
    Sysctl.atLeast("net.core.netdev_max_backlog", 5000, "packets that wait for a processor; more are lost"),
    Sysctl("net.ipv4.tcp_mem", "third $PAGES or more", "pages for all of TCP: low, pressure, high") {
        if (it.last() >= PAGES) it else listOf(PAGES / 2, PAGES * 3 / 4, PAGES)
    },
    buffer("net.ipv4.tcp_rmem", "bytes of receive buffer: least, initial, most"),
    buffer("net.ipv4.tcp_wmem", "bytes of send buffer: least, initial, most"),
    Sysctl("net.ipv4.tcp_fin_timeout", "60 or less", "seconds that a closed connection waits for the other's end") {
        (present) -> listOf(minOf(present, 60))
    },
    Sysctl("net.ipv4.tcp_abort_on_overflow", "0", "0 lets a client try again when the backlog is full") { listOf(0) },
    Sysctl("net.ipv4.ip_local_port_range", "1024 65535", "for clients: ports to reach one server from") {
        if (it.last() - it.first() >= 60_000) it else listOf(1024, 65_535)
    },
    Sysctl("net.ipv4.tcp_tw_reuse", "1", "for clients: 1 lets the port of an ended connection serve again") { listOf(1) },
    Sysctl.atLeast(
        "net.netfilter.nf_conntrack_max", 2 * CONNECTIONS, "connections that the firewall tracks; more are lost",
        optional = true,
    ),
)

/** How many clients may come at once, as all do when a server has been started again. */
private const val BURST = 16_384L

/** For each connection something on its way in either direction; what is on its way takes whole pages. */
private const val PAGES = 4 * CONNECTIONS

/** What is not in use takes no memory, so the most can be much. But what it begins with every connection can come to use. */
private fun buffer(name: String, why: String) = Sysctl(name, "second 16384 to 262144", why) { present ->
    present.mapIndexed { index, bytes -> if (index == 1) bytes.coerceIn(16_384, 262_144) else bytes }
}

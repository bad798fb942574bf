package io.netpark.core.net.listening

import com.sun.jna.Library
import com.sun.jna.Native
import io.netpark.core.linux.Linux
import io.netpark.core.loop.EventLoopGroup
import io.netpark.core.memory.NativeMemory
import io.netpark.core.net.options.NetOptions
import io.netpark.core.sys.SockAddr
import io.netpark.core.sys.UnixAddress
import io.netpark.core.testing.Bindings
import io.netpark.core.testing.BlockingListener
import io.netpark.core.testing.childJvm
import io.netpark.core.testing.loopback
import io.netpark.core.testing.temporaryPath
import java.net.Socket
import java.nio.file.Files
import java.nio.file.Path

/** What a service manager does before it starts a service: in the very process, whose number stays. */
private interface Exec : Library {
    fun setenv(name: String, value: String, overwrite: Int): Int
    fun execv(path: String, arguments: Array<String?>): Int
}

/** What [ListenFdsSpec] runs in a JVM of its own: it becomes another one, which finds the sockets that this has opened. */
fun main(arguments: Array<String>) = if (arguments[0] == "start") start() else serve()

private fun start() {
    val libc = Bindings.best
    val memory = NativeMemory.allocate(SockAddr.MAX_SIZE)
    val exec = Native.load("c", Exec::class.java)
    val command = childJvm(
        "io.netpark.core.net.listening.ListenFdsProbeKt", listOf("-Xmx64m", "-Dnetpark.binding=${libc.binding()}"),
    ) + "serve"
    val sockets = listOf(loopback(), UnixAddress.path(temporaryPath())).map { address ->
        val fd = libc.socket(SockAddr.family(address), Linux.SOCK_STREAM, 0)
        check(libc.bind(fd, memory.address(), SockAddr.write(memory.buffer(), 0, address)) == 0)
        check(libc.listen(fd, 10) == 0)
        fd
    }
    val high = sockets.map { libc.fcntl(it, Linux.F_DUPFD_CLOEXEC, 100) }
    high.forEach { check(libc.fcntl(it, Linux.F_SETFD, 0) == 0) }
    val environment = mapOf(
        "LISTEN_FDS" to "2", "LISTEN_PID" to "${ProcessHandle.current().pid()}", "LISTEN_FDNAMES" to "web:admin",
    )
    environment.forEach { (name, value) -> check(exec.setenv(name, value, 1) == 0) }
    // A shell gives them their numbers, as this JVM has something of its own there. It becomes the other JVM: the process stays the same.
    val shell = listOf("/bin/bash", "-c", "exec 3<&${high[0]} 4<&${high[1]} ${high[0]}<&- ${high[1]}<&-; exec \"$@\"", "bash")
    exec.execv(shell[0], (shell + command + null).toTypedArray())
    Runtime.getRuntime().halt(1)
}

private fun serve() {
    val libc = Bindings.best
    ListenFds.take().use { passed ->
        check(passed.reason() == null) { passed.reason()!! }
        check(passed.names() == listOf("web", "admin")) { passed }
        check(passed.all().map { it.number() } == listOf(3, 4)) { passed.all() }
        check(libc.fcntl(3, Linux.F_GETFD, 0) == Linux.FD_CLOEXEC)
        check("the names are [web, admin]" in runCatching { passed.get("other") }.exceptionOrNull()!!.message!!)
        check("2 descriptors" in runCatching { passed.only() }.exceptionOrNull()!!.message!!)
        check("taken already" in ListenFds.take().reason()!!)
        EventLoopGroup.builder().loops(1).daemon(true).open().use { group ->
            BlockingListener(ListenerDescriptor.adopt(group, passed.get("web"), NetOptions.DEFAULT, null)).use { listener ->
                Socket(listener.address.address, listener.address.port).use { client ->
                    client.getOutputStream().write("served".toByteArray())
                    listener.accept().use { println(it.readText(6)) }
                }
            }
        }
    }
    check(libc.fcntl(4, Linux.F_GETFD, 0) < 0 || "socket:" !in Files.readSymbolicLink(Path.of("/proc/self/fd/4")).toString())
}

package io.netpark.samples

import com.sun.jna.Library
import com.sun.jna.Native
import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.nio.file.Files
import java.nio.file.Path
import kotlin.io.path.name

/**
 * What systemd does for a socket unit, and no more: listens on a free port of 127.0.0.1, says which, and runs the program that it is
 * given in place of itself, with the socket as descriptor 3 (sd_listen_fds(3)).
 *
 * It needs no tool that may be missing. A JVM that starts another closes all descriptors; exec(3) does not.
 */
fun main(command: Array<String>) {
    val libc = Native.load("c", LibC::class.java)
    val socket = libc.socket(AF_INET, SOCK_STREAM, 0)
    check(socket >= 0 && libc.bind(socket, address(), ADDRESS_SIZE) == 0 && libc.listen(socket, 128) == 0) { "no socket" }
    val bound = ByteArray(ADDRESS_SIZE)
    libc.getsockname(socket, bound, ByteBuffer.allocate(4).order(ByteOrder.nativeOrder()).putInt(ADDRESS_SIZE).array())
    println("activated on ${ByteBuffer.wrap(bound).getShort(2).toInt() and 0xFFFF}")
    System.out.flush()

    libc.setenv("LISTEN_FDS", "1", 1)
    libc.setenv("LISTEN_PID", "${libc.getpid()}", 1) // exec keeps the process
    // All else that this JVM has open ends with it. Number 3 is the file that it loads its own classes from: what is called behind
    // the second dup2 has been called before.
    libc.dup2(socket, socket)
    libc.execv("/nonexistent", command)
    val own = Files.list(Path.of("/proc/self/fd")).use { all -> all.map { it.name.toInt() }.toList() }
    for (number in own) if (number > STDERR) libc.fcntl(number, F_SETFD, FD_CLOEXEC)
    libc.dup2(socket, FIRST)
    libc.execv(command[0], command)
    Runtime.getRuntime().halt(EXEC_FAILED)
}

private interface LibC : Library {
    fun socket(family: Int, type: Int, protocol: Int): Int
    fun bind(descriptor: Int, address: ByteArray, size: Int): Int
    fun listen(descriptor: Int, backlog: Int): Int
    fun getsockname(descriptor: Int, address: ByteArray, size: ByteArray): Int
    fun setenv(name: String, value: String, overwrite: Int): Int
    fun getpid(): Int
    fun fcntl(descriptor: Int, command: Int, argument: Int): Int
    fun dup2(from: Int, to: Int): Int
    fun execv(path: String, arguments: Array<String>): Int
}

/** struct sockaddr_in (ip(7)): 127.0.0.1, port 0. */
private fun address(): ByteArray = ByteBuffer.allocate(ADDRESS_SIZE).order(ByteOrder.nativeOrder()).putShort(AF_INET.toShort())
    .order(ByteOrder.BIG_ENDIAN).putShort(0).put(byteArrayOf(127, 0, 0, 1)).array()

private const val AF_INET = 2
private const val SOCK_STREAM = 1
private const val ADDRESS_SIZE = 16
private const val F_SETFD = 2
private const val FD_CLOEXEC = 1
private const val STDERR = 2
/** SD_LISTEN_FDS_START. */
private const val FIRST = 3
private const val EXEC_FAILED = 127

package io.netpark.samples

import io.netpark.core.tls.TlsConfigurationException
import picocli.CommandLine
import picocli.CommandLine.IExecutionExceptionHandler
import picocli.CommandLine.Model.CommandSpec
import picocli.CommandLine.ParameterException
import java.io.IOException
import java.nio.file.AccessDeniedException
import java.nio.file.FileSystemException
import java.nio.file.NoSuchFileException
import java.nio.file.NotDirectoryException
import java.time.Duration
import java.util.concurrent.Callable
import kotlin.system.exitProcess

/**
 * Runs a program of the samples and returns its exit status: what it returns itself; 2 after a usage error, with the
 * usage on standard error; 1 after a failure.
 *
 * A failure that its user can do something about is told in one line. Netpark's messages name the operation, the address
 * and the way out, so there is nothing to add. Any other is a bug, and keeps its stack trace.
 */
fun run(program: Callable<Int>, arguments: Array<String>): Int {
    val line = CommandLine(program)
    line.isCaseInsensitiveEnumValuesAllowed = true
    line.registerConverter(Duration::class.java, Seconds())
    line.executionExceptionHandler = IExecutionExceptionHandler { failure, _, _ ->
        if (failure !is IOException && failure !is UnsupportedOperationException && failure !is TlsConfigurationException) throw failure
        System.err.println("${line.commandName}: ${told(failure)}")
        1
    }
    return line.execute(*arguments)
}

/** A failure in one line. What the JDK throws of a file often has its path for a message, and the reason in the name of its class. */
internal fun told(failure: Throwable): String {
    val message = failure.message ?: return failure.toString()
    if (failure !is FileSystemException || failure.reason != null) return message
    return when (failure) {
        is AccessDeniedException -> "$message: permission denied; who runs this may not read it, or enter a folder above it"
        is NoSuchFileException -> "$message: there is no such file"
        is NotDirectoryException -> "$message: not a folder"
        else -> "$message: ${failure.javaClass.simpleName.removeSuffix("Exception")}"
    }
}

/** Runs a program that serves: unless something is wrong, it goes on, on its event loops, when this returns. */
fun serve(program: Callable<Int>, arguments: Array<String>) {
    val status = run(program, arguments)
    if (status != 0) exitProcess(status) // else the server runs now, or help was all that was asked for
}

/** Ends the program as wrongly used, unless [condition] holds. */
inline fun CommandSpec.demand(condition: Boolean, message: () -> String) {
    if (!condition) throw ParameterException(commandLine(), message())
}

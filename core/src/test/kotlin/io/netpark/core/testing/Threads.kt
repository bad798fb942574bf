package io.netpark.core.testing

import java.util.concurrent.CompletableFuture
import java.util.concurrent.ExecutionException
import java.util.concurrent.Future
import java.util.concurrent.TimeUnit
import kotlin.concurrent.thread

/** Runs [body] on a thread of its own. */
fun <T> async(name: String = "test", body: () -> T): CompletableFuture<T> {
    val result = CompletableFuture<T>()
    thread(name = name, isDaemon = true) {
        try {
            result.complete(body())
        } catch (failure: Throwable) {
            result.completeExceptionally(failure)
        }
    }
    return result
}

/** The result, or what the body threw; a failure if it does not come soon. */
fun <T> Future<T>.result(): T =
    try {
        get(SOON.inWholeMilliseconds, TimeUnit.MILLISECONDS)
    } catch (failure: ExecutionException) {
        throw failure.cause ?: failure
    }

/** What the body threw; a failure if it threw nothing. */
fun Future<*>.failure(): Throwable {
    val result = try {
        result()
    } catch (failure: Throwable) {
        return failure
    }
    throw AssertionError("expected a failure, got $result")
}

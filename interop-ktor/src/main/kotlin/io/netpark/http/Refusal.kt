package io.netpark.http

/**
 * A request cannot be understood, or is too much. It is answered with [status], and then the connection ends: nobody can tell
 * where the next request would begin, and a server that guesses can be made to see a request that nobody sent.
 *
 * It has no stack trace: clients that mean no good can cause many.
 *
 * @param why for people, in an answer or a log; nothing of the request is in it
 */
public class Refusal(public val status: Status, why: String) : Exception(why, null, false, false)

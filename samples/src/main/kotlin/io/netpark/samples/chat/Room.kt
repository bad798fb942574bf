package io.netpark.samples.chat

import io.netpark.samples.websocket.WebSocket
import io.netpark.samples.websocket.textFrame

/**
 * Who is here. Members are on several event loops; what one says is made into a frame once, and left to the frames of each
 * connection. That happens under one lock, and nobody waits for it: so all members see everything in the same order, and nobody waits
 * for anybody's network. A member whose connection has no room is dropped.
 *
 * Any thread.
 */
internal class Room {

    class Member(val name: String, val token: String, val socket: WebSocket)

    /** By the name in lower case. Guarded by itself, as is the next. */
    private val members = LinkedHashMap<String, Member>()

    /** What is to be done when the lock is free: to say goodbye to those who are not members any more. */
    private val goodbyes = ArrayList<() -> Unit>()

    @Volatile private var isClosed = false

    /**
     * Lets somebody in. Who comes back with the token of a member takes that one's place: the old connection may be dead and
     * not found out yet. The others are told if the name is spelt otherwise now, because they know members by that.
     *
     * @throws NotUnderstood somebody else has that name
     */
    fun join(name: String, token: String, socket: WebSocket): Member = changing {
        val before = members[key(name)]
        if (before != null) {
            if (token.isEmpty() || token != before.token) throw NotUnderstood("Somebody here is called ${before.name} already.")
            goodbyes += { before.socket.end(ELSEWHERE, "you are here over another connection") }
        }
        if (before?.name != name) {
            if (before != null) {
                members.remove(key(name))
                publish(News.left(before.name, null))
            }
            publish(News.joined(name))
        }
        val member = Member(name, token, socket)
        members[key(name)] = member
        socket.offer(textFrame(News.welcome(name, members.values.map { it.name })))
        member
    }

    /** Passes on what a member says; who has been dropped is not heard any more. */
    fun say(member: Member, text: String, atMillis: Long): Unit = changing {
        if (members[key(member.name)] === member) publish(News.said(member.name, text, atMillis))
    }

    /** Has no effect on who is not a member any more. The others are told the [reason]. */
    fun leave(member: Member, reason: String? = null): Unit = changing {
        if (members.remove(key(member.name), member)) publish(News.left(member.name, reason))
    }

    /** They are all about to leave: that need not be told to each. */
    fun close() {
        isClosed = true
    }

    private fun publish(news: String) {
        if (isClosed) return
        val frame = textFrame(news)
        val slow = members.values.filterNot { it.socket.offer(frame) }
        for (member in slow) {
            members.remove(key(member.name))
            goodbyes += member.socket::endAsTooSlow
        }
        for (member in slow) publish(News.left(member.name, TOO_SLOW))
    }

    /** Changes something under the lock, and says goodbye to whom it concerns when that is free. */
    private inline fun <T> changing(change: () -> T): T {
        val goodbyes: List<() -> Unit>
        val result = synchronized(members) {
            change().also {
                goodbyes = this.goodbyes.toList()
                this.goodbyes.clear()
            }
        }
        goodbyes.forEach { it() }
        return result
    }

    private fun key(name: String) = name.lowercase()

    private companion object {
        /** A close code of our own: the page does not come back after it. */
        const val ELSEWHERE = 4000
        const val TOO_SLOW = "too slow"
    }
}

package io.netpark.bench.proxy

import io.netpark.coroutines.Connection
import io.netpark.coroutines.transfer.relay

/** By `relay`: what is worth it goes from socket to socket in the kernel. */
internal class NetparkRelayProxy : NetparkProxy() {

    override suspend fun join(client: Connection, upstream: Connection) {
        relay(client, upstream)
    }
}

package io.netpark.core.net.options;

import java.nio.ByteBuffer;

/**
 * The process at the other end of a unix socket, as it was when it connected or began to listen (SO_PEERCRED of unix(7)). The kernel
 * vouches for it.
 *
 * @param processId 0 if the process is of a namespace that cannot be seen from here
 * @param userId the effective user
 * @param groupId the effective group
 */
public record PeerCredentials(int processId, int userId, int groupId) {

    /** {@code struct ucred}: three ints. */
    static final int SIZE = 3 * Integer.BYTES;

    static PeerCredentials read(ByteBuffer struct) {
        return new PeerCredentials(struct.getInt(), struct.getInt(), struct.getInt());
    }
}

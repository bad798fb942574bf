package io.netpark.core.net.options;

import io.netpark.core.linux.Linux;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Who is at the other end of a unix socket, as of when it connected, or began to listen (SO_PEERCRED of unix(7)). The kernel
 * vouches for it.
 *
 * @param processId 0 if the process is of a namespace that cannot be seen from here
 * @param userId the effective user
 * @param groupId the effective group
 */
public record PeerCredentials(int processId, int userId, int groupId) {

    /** {@code struct ucred}: three ints. */
    public static final NetOption<byte[]> OPTION =
            NetOption.ofBytes("SO_PEERCRED", Linux.SOL_SOCKET, Linux.SO_PEERCRED, 3 * Integer.BYTES);

    public static PeerCredentials read(byte[] ucred) {
        ByteBuffer struct = ByteBuffer.wrap(ucred).order(ByteOrder.nativeOrder());
        return new PeerCredentials(struct.getInt(), struct.getInt(), struct.getInt());
    }
}

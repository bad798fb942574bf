package io.netpark.core.linux;

import java.nio.ByteBuffer;

/**
 * Layout of the control message that tells of sends with {@link Linux#MSG_ZEROCOPY}: a header ({@code struct
 * cmsghdr}) of level and type IP_RECVERR or IPV6_RECVERR, then {@code struct sock_extended_err}: {@code u32 errno; u8 origin; u8 type; u8 code; u8 pad;
 * u32 info; u32 data}, and an address that nobody needs. Info to data are the numbers of the sends that it is about, which the
 * kernel counts from 0 for each socket (Documentation/networking/msg_zerocopy.rst).
 *
 * <p>For Netpark's own adapters.
 */
public final class ZeroCopyNotice {

    /** Room for one, with the address, and for what options may add: timestamps, say. */
    public static final int ROOM = 256;

    private static final int LENGTH = 0;
    private static final int LEVEL = 8;
    private static final int TYPE = 12;
    private static final int HEADER = 16;
    private static final int ORIGIN = HEADER + 4;
    private static final int CODE = HEADER + 6;
    private static final int INFO = HEADER + 8;
    private static final int DATA = HEADER + 12;
    private static final int END = HEADER + 16;

    private ZeroCopyNotice() {}

    /** Where a notice is in the control messages that the kernel has written; -1 if it is not among them. */
    public static int find(ByteBuffer memory, int offset, int length) {
        int end = offset + length;
        for (int at = offset; at + HEADER <= end; ) {
            int size = (int) memory.getLong(at + LENGTH);
            if (size < HEADER || at + size > end) {
                break;
            }
            int level = memory.getInt(at + LEVEL);
            int type = memory.getInt(at + TYPE);
            boolean extended = level == Linux.IPPROTO_IP && type == Linux.IP_RECVERR
                    || level == Linux.IPPROTO_IPV6 && type == Linux.IPV6_RECVERR;
            if (extended && size >= END && memory.get(at + ORIGIN) == Linux.SO_EE_ORIGIN_ZEROCOPY) {
                return at;
            }
            at += size + 7 & -8;
        }
        return -1;
    }

    /** The number of the first send that the notice at {@code at} is about. */
    public static int first(ByteBuffer memory, int at) {
        return memory.getInt(at + INFO);
    }

    /** The number of the last one, included; they wrap around as ints do. */
    public static int last(ByteBuffer memory, int at) {
        return memory.getInt(at + DATA);
    }

    /** Whether the kernel has copied the bytes after all. */
    public static boolean isCopied(ByteBuffer memory, int at) {
        return (memory.get(at + CODE) & Linux.SO_EE_CODE_ZEROCOPY_COPIED) != 0;
    }
}

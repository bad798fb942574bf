/**
 * What is in PEM files (RFC 7468): certificates and private keys. This package knows files and no TLS. Whatever is wrong with a
 * file is said with the line, and with the command that mends it.
 */
@NullMarked
package io.netpark.core.pem;

import org.jspecify.annotations.NullMarked;

package org.apache.james.protocols.smtp.core.fastfail;

import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;

public final class AbstractValidRcptHandler {
    private static final Logger LOGGER = LogManager.getLogger(AbstractValidRcptHandler.class);

    public static void rejected(String recipient) {
        LOGGER.info("Rejected message. Unknown user: {}", recipient);
    }
}
